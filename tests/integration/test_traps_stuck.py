"""What neither raises nor goes on: the watchdog ends it, and never an outage."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from runtime.dead_letters import IN_A_ROW_LIMIT
from runtime.errors import NoProgress, Transient
from runtime.loops import Stopping
from runtime.process import EXIT_DEAD_LETTERS, EXIT_IN_DOUBT
from runtime.records import Inbound, Outcome, Retry
from runtime.settings import KafkaSettings
from runtime.watchdog import watch
from tests.support.kit import (
    ALL_OF_SERVICE,
    DEAD_LETTERS,
    INPUT,
    SERVICE,
    Kafka,
    Recorder,
    Running,
    running_stage,
)
from tests.support.waiting import until
from tests.support.worker_process import worker

LIMIT_SECONDS = 1.0
NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:9")


@asynccontextmanager
async def watched(running: Running, settings: KafkaSettings) -> AsyncIterator["asyncio.Task[None]"]:
    """The watchdog over a stage, asking the Kafka of ``settings``; done as soon as it barks."""
    stopping = Stopping()
    watching = asyncio.create_task(
        watch(
            [(running.stage, running.consumer)],
            settings=settings,
            limit_seconds=LIMIT_SECONDS,
            stopping=stopping,
        )
    )
    try:
        yield watching
    finally:
        stopping.set()
        await asyncio.gather(watching, return_exceptions=True)


class Forever(set[int]):
    """Nodes with a request under way that never ends."""

    def discard(self, _node: int) -> None:
        pass


async def stop_fetching(running: Running) -> None:
    """As after a lost answer: the consumer lives, believes that a request is under way, and asks no more."""
    consumer = running.consumer()
    assert consumer is not None
    fetcher = consumer._fetcher
    fetcher._in_flight = Forever(broker.nodeId for broker in consumer._client.cluster.brokers())
    await until(lambda: not fetcher._pending_tasks)


async def test_a_consumer_that_stops_fetching_is_noticed_while_kafka_answers(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one")

    async with running_stage(kafka, Recorder()) as running:
        await kafka.until_committed(INPUT, 1)
        async with watched(running, kafka.settings) as watching:
            await stop_fetching(running)
            await kafka.produce(INPUT, b"two")
            await until(watching.done)

    with pytest.raises(NoProgress, match=r"stands at 1, its end is 2, and nothing is fetched"):
        watching.result()


async def test_records_that_wait_show_as_lag_although_the_consumer_is_silent(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one")

    async with running_stage(kafka, Recorder()) as running:
        await kafka.until_committed(INPUT, 1)
        async with watched(running, kafka.settings):
            await stop_fetching(running)
            await kafka.produce(INPUT, b"two", b"three")
            await until(lambda: lag() == 2)


def lag() -> float | None:
    return REGISTRY.get_sample_value("ksef_stage_lag_records", {"stage": SERVICE, "topic": INPUT})


async def test_nothing_is_expected_of_a_consumer_while_kafka_does_not_answer(kafka: Kafka) -> None:
    await kafka.create(INPUT)

    async with running_stage(kafka, Recorder()) as running, watched(running, NOBODY) as watching:
        await stop_fetching(running)
        await kafka.produce(INPUT, b"one")

        done, _ = await asyncio.wait([watching], timeout=3 * LIMIT_SECONDS)

    assert not done


async def test_a_stage_that_waits_for_its_database_or_for_a_source_is_not_stuck(kafka: Kafka) -> None:
    await kafka.create(INPUT, partitions=2)
    await kafka.produce(INPUT, b"not yet", b"behind", partition=0)
    await kafka.produce(INPUT, b"away", partition=1)
    tries = 0

    async def handler(records: Sequence[Inbound]) -> Sequence[Outcome]:
        nonlocal tries
        if any(record.value == b"away" for record in records):
            tries += 1
            raise Transient("the database is away")
        return [Retry(60, "source-unknown") for _ in records]

    async with running_stage(kafka, handler) as running, watched(running, kafka.settings) as watching:
        # By then it has paused for more than three times the limit.
        await until(lambda: tries >= 5 or watching.done(), seconds=30)

    assert not watching.cancelled()
    assert watching.exception() is None


async def test_a_handler_that_hangs_and_swallows_its_cancellation_ends_the_worker_soon(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(*ALL_OF_SERVICE)
    await kafka.produce(INPUT, b"hang")

    with worker(tmp_path, kafka.settings, database, KSEF_STAGE__BATCH_SECONDS="1") as process:
        await until(lambda: process.has_said("worker_stuck"))
        assert "not ok: no progress for 2 s" in await process.get("/livez")
        assert 'ksef_stage_stuck_total{stage="mapper"} 1.0' in await process.get("/metrics")
        assert await process.until_ended() == EXIT_IN_DOUBT

    assert "a batch is in hand" in process.lines("worker_stuck")[0]["error"]
    assert await kafka.committed(INPUT) is None


async def test_a_worker_fed_with_poison_only_stops_says_why_and_settles_none_of_it(
    kafka: Kafka, database: str, tmp_path: Path
) -> None:
    await kafka.create(*ALL_OF_SERVICE)
    await kafka.produce(INPUT, *[b"bad"] * (IN_A_ROW_LIMIT + 1))

    with worker(tmp_path, kafka.settings, database) as process:
        assert await process.until_ended() == EXIT_DEAD_LETTERS

    last = process.last_line()
    assert (last["event"], last["exit_code"]) == ("worker_failed", 65)
    assert "101 records in a row would be dead letters (unreadable)" in last["error"]
    assert (await kafka.committed(INPUT) or 0) == await kafka.count(DEAD_LETTERS) <= IN_A_ROW_LIMIT
