"""A worker as a process: when it is live and ready, and how it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.kit import INPUT, Kafka
from tests.support.waiting import until


@dataclass
class Process:
    """A worker that runs, and what it has written."""

    popen: "subprocess.Popen[bytes]"
    directory: Path
    may_end: Path = field(init=False)

    def __post_init__(self) -> None:
        self.may_end = self.directory / "may-end"

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Its log lines of one event."""
        text = (self.directory / "out").read_text("utf-8")
        whole = text[: text.rfind("\n") + 1].splitlines()
        return [line for line in map(json.loads, whole) if line["event"] == event]

    def complaint(self) -> str:
        return (self.directory / "err").read_text("utf-8")

    def has_said(self, event: str, **fields: object) -> bool:
        return any(fields.items() <= line.items() for line in self.lines(event))

    async def get(self, path: str) -> str:
        (line,) = self.lines("probes_listening")
        async with httpx.AsyncClient() as client:
            return (await client.get(line["address"] + path)).text

    async def answers(self, path: str, text: str) -> bool:
        return self.has_said("probes_listening") and text in await self.get(path)

    async def until_ended(self, *, seconds: float = 20) -> int:
        """Its exit code."""
        await until(lambda: self.popen.poll() is not None, seconds=seconds)
        return int(self.popen.returncode)


@contextmanager
def worker(directory: Path, kafka: Kafka, dsn: str, **more: str) -> Iterator[Process]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KSEF_")}
    environ |= {
        "KSEF_ENVIRONMENT": "test",
        "KSEF_KAFKA__BOOTSTRAP_SERVERS": kafka.settings.bootstrap_servers,
        "KSEF_KAFKA__TOPIC_PREFIX": kafka.prefix,
        "KSEF_POSTGRES__DSN": dsn,
        "TEST_MAY_END": str(directory / "may-end"),
    } | more
    with (directory / "out").open("wb") as out, (directory / "err").open("wb") as err:
        popen = subprocess.Popen(
            [sys.executable, "-m", "tests.support.worker_program"],
            env=environ,
            cwd=Path(__file__).parents[2],
            stdout=out,
            stderr=err,
        )
    try:
        yield Process(popen, directory)
    finally:
        popen.kill()
        popen.wait()


async def test_a_worker_becomes_ready_and_ends_well_with_the_batch_in_hand_committed(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(INPUT)

    with worker(tmp_path, kafka, database) as process:
        await until(lambda: process.answers("/readyz", "ok"))
        assert "ok" in await process.get("/livez")
        assert "ksef_stage_records" in await process.get("/metrics")
        await kafka.produce(INPUT, b"one", b"hold")
        await until(lambda: process.has_said("in_hand", value="hold"))

        process.popen.send_signal(signal.SIGTERM)
        await until(lambda: process.answers("/readyz", "not ok: stopping"))
        assert "ok" in await process.get("/livez")
        assert await kafka.committed(INPUT) is None
        process.may_end.touch()

        assert await process.until_ended() == 0

    assert await kafka.committed(INPUT) == 2
    assert process.complaint() == ""


async def test_a_second_signal_ends_a_worker_at_once_and_commits_nothing(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"hold")

    with worker(tmp_path, kafka, database) as process:
        await until(lambda: process.has_said("in_hand", value="hold"))
        process.popen.send_signal(signal.SIGTERM)
        await until(lambda: process.has_said("worker_stopping"))
        process.popen.send_signal(signal.SIGINT)

        assert await process.until_ended() == 1

    assert await kafka.committed(INPUT) is None


async def test_a_loop_that_fails_ends_the_worker_with_an_error_that_quotes_nothing(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"fail")

    with worker(tmp_path, kafka, database) as process:
        assert await process.until_ended() == 1

    assert process.has_said("worker_failed", error="LookupError", exception="LookupError")
    assert "hunter2" not in (tmp_path / "out").read_text() + process.complaint()
    assert await kafka.committed(INPUT) == 1


@pytest.mark.parametrize("environment", ["demo", "production"])
async def test_a_worker_refuses_the_database_of_another_environment(
    kafka: Kafka, database: str, tmp_path: Path, environment: str
) -> None:
    with worker(tmp_path, kafka, database, KSEF_ENVIRONMENT=environment) as process:
        assert await process.until_ended() == 78

    assert f"the settings say '{environment}'" in process.complaint()


async def test_a_worker_says_what_is_not_set_and_does_not_start(kafka: Kafka, tmp_path: Path) -> None:
    with worker(tmp_path, kafka, "postgresql://nowhere", KSEF_KAFKA__TOPIC_PREFIX="WRONG") as process:
        assert await process.until_ended() == 78

    assert "KSEF_KAFKA__TOPIC_PREFIX" in process.complaint()


async def test_a_worker_waits_for_a_database_that_is_away_live_but_not_ready(
    kafka: Kafka, tmp_path: Path
) -> None:
    with worker(tmp_path, kafka, "postgresql://courier:hunter2@127.0.0.1:9/courier") as process:
        await until(lambda: process.answers("/readyz", "not ok: postgresql is away"))
        assert "ok" in await process.get("/livez")

    assert "hunter2" not in (tmp_path / "out").read_text() + process.complaint()


async def test_a_worker_stops_while_it_still_waits_for_its_partitions(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    """Its topic does not exist: the start cannot come to an end by itself."""
    with worker(tmp_path, kafka, database) as process:
        await until(lambda: process.answers("/readyz", "not a member of the consumer group yet"))
        process.popen.send_signal(signal.SIGTERM)

        assert await process.until_ended(seconds=10) == 0


async def test_a_worker_makes_the_partitions_of_the_months_to_come(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(INPUT)
    connection = await asyncpg.connect(database)
    try:
        last = [await last_partition(connection, of) for of in ("payload.object", "operations.act")]
        await connection.execute(f"drop table {', '.join(last)}")
        with worker(tmp_path, kafka, database):
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
