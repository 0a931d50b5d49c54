"""A worker as a process: when it is live and ready, and how it ends."""

import signal
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.support.kit import ALL_OF_SERVICE, INPUT, OUTPUT, Kafka
from tests.support.relay import open_relay
from tests.support.waiting import until
from tests.support.worker_process import worker


async def test_a_worker_becomes_ready_and_ends_well_with_the_batch_in_hand_committed(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(*ALL_OF_SERVICE)

    with worker(tmp_path, kafka.settings, database) as process:
        await until(lambda: process.answers("/readyz", "ok"))
        assert "ok" in await process.get("/livez")
        assert "ksef_stage_records" in await process.get("/metrics")
        await kafka.produce(INPUT, b"one", b"hold")
        await until(lambda: process.has_said("in_hand", value="hold"))

        process.popen.send_signal(signal.SIGTERM)
        await until(lambda: process.has_said("worker_stopping"))
        assert "not ok: stopping" in await process.get("/readyz")
        assert (await process.get("/livez")).startswith("ok")
        assert await kafka.committed(INPUT) is None
        process.may_end.touch()

        assert await process.until_ended() == 0

    assert await kafka.committed(INPUT) == 2
    assert process.complaint() == ""


async def test_a_second_signal_ends_a_worker_at_once_and_commits_nothing(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(*ALL_OF_SERVICE)
    await kafka.produce(INPUT, b"hold")

    with worker(tmp_path, kafka.settings, database) as process:
        await until(lambda: process.has_said("in_hand", value="hold"))
        process.popen.send_signal(signal.SIGTERM)
        await until(lambda: process.has_said("worker_stopping"))
        process.popen.send_signal(signal.SIGINT)

        assert await process.until_ended() == 1

    assert await kafka.committed(INPUT) is None


async def test_a_loop_that_fails_ends_the_worker_with_an_error_that_quotes_nothing(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(*ALL_OF_SERVICE)
    await kafka.produce(INPUT, b"fail")

    with worker(tmp_path, kafka.settings, database) as process:
        assert await process.until_ended() == 1

    assert process.has_said("worker_failed", error="LookupError", exception="LookupError")
    assert "hunter2" not in process.output()
    assert await kafka.committed(INPUT) == 1


@pytest.mark.parametrize("environment", ["demo", "production"])
async def test_a_worker_refuses_the_database_of_another_environment(
    kafka: Kafka, database: str, tmp_path: Path, environment: str
) -> None:
    with worker(tmp_path, kafka.settings, database, KSEF_ENVIRONMENT=environment) as process:
        assert await process.until_ended() == 78

    assert f"the settings say '{environment}'" in process.complaint()


async def test_a_worker_says_what_is_not_set_and_does_not_start(kafka: Kafka, tmp_path: Path) -> None:
    with worker(
        tmp_path, kafka.settings, "postgresql://nowhere", KSEF_KAFKA__TOPIC_PREFIX="WRONG"
    ) as process:
        assert await process.until_ended() == 78

    assert "KSEF_KAFKA__TOPIC_PREFIX" in process.complaint()


async def test_a_worker_waits_for_a_database_that_is_away_live_but_not_ready(
    kafka: Kafka, tmp_path: Path
) -> None:
    with worker(tmp_path, kafka.settings, "postgresql://courier:hunter2@127.0.0.1:9/courier") as process:
        await until(lambda: process.answers("/readyz", "not ok: postgresql is away"))
        assert "ok" in await process.get("/livez")

    assert "hunter2" not in process.output()


async def test_a_worker_waits_for_a_database_that_goes_away_while_it_waits_for_kafka(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(*ALL_OF_SERVICE)
    dsn, bootstrap = urlsplit(database), kafka.settings.bootstrap_servers
    async with (
        open_relay(dsn.hostname or "", dsn.port or 0) as to_postgres,
        open_relay(*_address(bootstrap)) as to_kafka,
    ):
        to_kafka.go_away()
        relayed = database.replace(f":{dsn.port}/", f":{to_postgres.port}/")
        kafkas = f"127.0.0.1:{to_kafka.port}"
        with worker(tmp_path, kafka.settings, relayed, KSEF_KAFKA__BOOTSTRAP_SERVERS=kafkas) as process:
            await until(lambda: process.answers("/readyz", "not ok: kafka is away"))
            to_postgres.go_away()
            to_kafka.come_back()
            await until(lambda: process.answers("/readyz", "not ok: postgresql is away"))

            to_postgres.come_back()

            await until(lambda: process.answers("/readyz", "ok: checked"), seconds=30)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port)


async def test_a_worker_waits_for_a_topic_that_does_not_exist_says_so_and_goes_on_by_itself(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    topics = [topic for topic in ALL_OF_SERVICE if topic != OUTPUT]
    await kafka.create(*topics)
    await kafka.produce(INPUT, b"one")

    with worker(tmp_path, kafka.settings, database) as process:
        complaint = f"topic {kafka.prefix}{OUTPUT} does not exist: run `ksef-courier topics apply`"
        await until(lambda: process.answers("/readyz", f"not ok: {complaint}\n"))
        assert "ok" in await process.get("/livez")
        assert 'ksef_kafka_missing{service="mapper"} 1.0' in await process.get("/metrics")
        assert not process.lines("in_hand")

        await kafka.create(OUTPUT)

        await until(lambda: process.answers("/readyz", "ok: "))
        await until(lambda: process.has_said("in_hand", value="one"))


async def test_a_worker_stops_while_it_still_waits_for_its_topics(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    with worker(tmp_path, kafka.settings, database) as process:
        await until(lambda: process.answers("/readyz", "does not exist"))
        process.popen.send_signal(signal.SIGTERM)

        assert await process.until_ended(seconds=10) == 0


async def test_a_worker_makes_the_partitions_of_the_months_to_come(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(*ALL_OF_SERVICE)
    connection = await asyncpg.connect(database)
    try:
        last = [await last_partition(connection, of) for of in ("payload.object", "operations.act")]
        await connection.execute(f"drop table {', '.join(last)}")
        with worker(tmp_path, kafka.settings, database):
            for partition in last:
                await until(partial(exists, connection, partition))
    finally:
        await connection.close()


async def last_partition(connection: asyncpg.Connection, table: str) -> str:
    partitions = "select inhrelid::regclass::text from pg_inherits where inhparent = $1::text::regclass"
    name: str = await connection.fetchval(f"{partitions} order by 1 desc", table)
    return name


async def exists(connection: asyncpg.Connection, table: str) -> bool:
    return await connection.fetchval("select to_regclass($1)", table) is not None
