"""Records that a naive consumer loses, or stops at. The list of all traps: docs/architecture/failures.md."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from contracts.envelope import Undecodable, decode
from runtime.errors import Transient
from runtime.metrics import PARTITIONS_PAUSED
from runtime.records import Done, Inbound, Outcome, Retry, unread
from tests.support.kit import (
    DEAD_LETTERS,
    INPUT,
    OUTPUT,
    SERVICE,
    Headers,
    Kafka,
    Recorder,
    passed_on,
    running_stage,
)
from tests.support.waiting import until


async def test_a_record_above_the_fetch_limit_is_read_like_any_other(kafka: Kafka) -> None:
    """A consumer asks for 2 MiB per partition; a topic's own limit may have been raised since."""
    await kafka.create(INPUT, partitions=2, configs={"max.message.bytes": "4000000"})
    large = b"\x01" * 3_000_000
    await kafka.produce(INPUT, b"before", large, b"after", partition=0)
    await kafka.produce(INPUT, b"other", partition=1)
    handler = Recorder()

    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 3, partition=0)
        await kafka.until_committed(INPUT, 1, partition=1)

    assert [record.value[:6] for record in handler.seen if record.partition == 0] == [
        b"before",
        large[:6],
        b"after",
    ]


def event_headers(type_: str) -> Headers:
    document = str(UUID(int=7))
    texts = {"ce_type": type_, "ce_id": document, "ce_subject": document}
    texts["ce_time"] = datetime(2026, 11, 2, 9, tzinfo=UTC).isoformat()
    return [(name, text.encode()) for name, text in texts.items()]


async def test_an_event_of_a_newer_major_version_waits_for_a_newer_worker_and_only_its_partition_does(
    kafka: Kafka,
) -> None:
    await kafka.create(INPUT, DEAD_LETTERS, partitions=2)
    newer = event_headers("sales.document.accepted.v2")
    await kafka.produce(INPUT, b"of tomorrow", headers=newer, partition=0)
    await kafka.produce(INPUT, b"no event", partition=0)
    await kafka.produce(INPUT, b"no event", partition=1)
    before = PARTITIONS_PAUSED.labels(SERVICE, "human")._value.get()

    def of_today(record: Inbound) -> Outcome:
        try:
            decode(record.headers, record.value)
        except Undecodable as error:
            return unread(error)
        return Done()

    async with running_stage(kafka, Recorder(of_today)):
        await kafka.until_committed(INPUT, 1, partition=1)
        await until(lambda: PARTITIONS_PAUSED.labels(SERVICE, "human")._value.get() == before + 1)
    assert await kafka.committed(INPUT, 0) is None
    (letter,) = await kafka.read(DEAD_LETTERS, 1)
    assert dict(letter.headers)["dlq_partition"] == b"1"

    of_tomorrow = Recorder()
    async with running_stage(kafka, of_tomorrow):
        await kafka.until_committed(INPUT, 2, partition=0)

    assert of_tomorrow.values == [b"of tomorrow", b"no event"]


# Outages


async def test_an_outage_is_asked_about_a_few_times_not_in_a_loop(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one")
    loop = asyncio.get_running_loop()
    asked: list[float] = []

    async def away(records: Sequence[Inbound]) -> Sequence[Outcome]:
        asked.append(loop.time())
        if len(asked) < 4:
            raise Transient("the database is away")
        return [Done() for _ in records]

    async with running_stage(kafka, away):
        await kafka.until_committed(INPUT, 1)

    # Pauses of 0.5, 1 and 2 s, or down to half of that.
    first, second, third = (later - earlier for earlier, later in itertools.pairwise(asked))
    assert (first > 0.25, second > 0.5, third > 1) == (True, True, True)


async def test_an_outage_of_any_length_makes_no_dead_letter(kafka: Kafka) -> None:
    """Also when it begins while a batch that failed is taken record by record."""
    await kafka.create(INPUT, OUTPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, b"one", b"poison", b"three")
    calls = 0

    async def handler(records: Sequence[Inbound]) -> Sequence[Outcome]:
        nonlocal calls
        calls += 1
        if calls in (2, 3, 4):
            raise ConnectionRefusedError("the database is away")
        if any(record.value == b"poison" for record in records):
            raise KeyError("a bug that this record finds")
        return [passed_on(record) for record in records]

    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 3)

    assert [letter.value for letter in await kafka.read(DEAD_LETTERS, 1)] == [b"poison"]
    assert await kafka.count(DEAD_LETTERS) == 1
    assert [record.value for record in await kafka.read(OUTPUT, 2)] == [b"one", b"three"]


# Offsets


async def test_a_group_without_offsets_reads_everything_that_is_there(kafka: Kafka) -> None:
    """A new one, or one whose offsets have expired."""
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one", b"two")
    assert await kafka.committed(INPUT) is None
    handler = Recorder()

    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 2)

    assert handler.values == [b"one", b"two"]


async def test_a_worker_that_was_away_for_longer_than_the_retention_goes_on_at_the_oldest_record(
    kafka: Kafka,
) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one")
    async with running_stage(kafka, Recorder()):
        await kafka.until_committed(INPUT, 1)
    await kafka.produce(INPUT, b"expired", b"kept", b"new")

    async with kafka.admin() as admin:
        where = TopicPartition(kafka.prefix + INPUT, 0)
        await admin.delete_records({where: RecordsToDelete(before_offset=2)})
    handler = Recorder()
    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 4)

    assert handler.values == [b"kept", b"new"]


# Rebalances


async def test_a_pause_that_a_rebalance_forgets_costs_one_more_look_and_no_record(kafka: Kafka) -> None:
    await kafka.create(INPUT, partitions=2)
    await kafka.produce(INPUT, b"not yet", b"after", partition=0)
    known = asyncio.Event()
    handler = Recorder(lambda _: Done() if known.is_set() else Retry(600, "source-unknown"))

    async with running_stage(kafka, handler) as first:
        await until(lambda: handler.values == [b"not yet", b"after"])
        async with running_stage(kafka, handler) as second:
            await until(lambda: first.partitions == second.partitions == 1)
            await until(lambda: len(handler.seen) >= 4)
            known.set()
        await kafka.until_committed(INPUT, 2)

    assert handler.values[-2:] == [b"not yet", b"after"]


async def test_four_joins_and_leaves_under_load_publish_no_record_twice(kafka: Kafka) -> None:
    """Counted on the broker: what two members have both handled would be there twice."""
    quick = kafka.settings.model_copy(update={"session_timeout_seconds": 6.0})
    kafka = Kafka(quick)  # heartbeats, and so news of a rebalance, every 0.6 s
    await kafka.create(INPUT, OUTPUT, partitions=4)
    enough = asyncio.Event()
    sent = 0

    async def load() -> None:
        nonlocal sent
        async with kafka.raw_producer() as producer:
            while not enough.is_set():
                sent += 1
                await producer.send_and_wait(kafka.prefix + INPUT, b"%d" % sent, partition=sent % 4)

    loading = asyncio.create_task(load())
    handler = Recorder(passed_on)
    async with running_stage(kafka, handler) as first:
        for _ in range(4):
            async with running_stage(kafka, handler) as second:
                await until(lambda: first.partitions == second.partitions == 2)
                both = len(handler.seen)
                await until(lambda: len(handler.seen) > both + 20)  # noqa: B023
            await until(lambda: first.partitions == 4)
        enough.set()
        await loading
        await until(lambda: len(handler.seen) >= sent)

    published = sorted(int(record.value or b"") for record in await kafka.read(OUTPUT, sent))
    assert published == list(range(1, sent + 1))
    assert await kafka.count(OUTPUT) == sent
