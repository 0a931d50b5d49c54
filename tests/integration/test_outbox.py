"""The outbox on a real database and broker: committed rows arrive, all of them, in order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from runtime import metrics
from runtime.db import Database
from runtime.errors import ConfigurationError, RecordTooLarge, Transient
from runtime.loops import Stopping
from runtime.outbox import Outbox
from runtime.producer import Producer, open_producer
from runtime.records import Outbound
from tests.support.kit import INPUT, Kafka, opened
from tests.support.waiting import until

SCHEMA = "validator"


def event(number: int, *, key: bytes = b"k") -> Outbound:
    return Outbound(
        INPUT, key=key, value=b"%d" % number, headers=[("ce_id", b"id-%d" % number), ("ż", "ó".encode())]
    )


async def put(pool: Database, outbox: Outbox, *records: Outbound) -> None:
    async with pool.transaction() as connection:
        await outbox.put(connection, records)
    outbox.wake()


async def put_and_roll_back(pool: Database, outbox: Outbox, record: Outbound) -> None:
    async with pool.transaction() as connection:
        await outbox.put(connection, [record])
        raise LookupError("what made the event true did not happen")


async def rows(pool: Database) -> int:
    return int(await pool.fetchval("select count(*) from validator.outbox"))


@asynccontextmanager
async def relaying(pool: Database, producer: Producer, outbox: Outbox) -> AsyncIterator[None]:
    stopping = Stopping()
    relay = asyncio.create_task(outbox.relay(pool, producer, stopping=stopping))
    try:
        yield
    finally:
        stopping.set()
        await relay


async def test_exactly_the_rows_of_committed_transactions_arrive_in_order(
    kafka: Kafka, pool: Database
) -> None:
    await kafka.create(INPUT)
    outbox = Outbox(SCHEMA)
    await put(pool, outbox, event(1), event(2))
    with pytest.raises(LookupError):
        await put_and_roll_back(pool, outbox, event(99))

    async with open_producer(kafka.settings, client_id="test") as producer, relaying(pool, producer, outbox):
        await put(pool, outbox, event(3))
        arrived = await kafka.read(INPUT, 3)
        await until(lambda: rows_are(pool, 0))

    assert [(record.key, record.value) for record in arrived] == [(b"k", b"1"), (b"k", b"2"), (b"k", b"3")]
    assert list(arrived[0].headers) == [("ce_id", b"id-1"), ("ż", "ó".encode())]
    assert await kafka.count(INPUT) == 3


async def rows_are(pool: Database, count: int) -> bool:
    return await rows(pool) == count


async def test_an_event_that_nobody_announced_is_found_by_the_clock(kafka: Kafka, pool: Database) -> None:
    await kafka.create(INPUT)
    writer, reader = Outbox(SCHEMA), Outbox(SCHEMA)  # as in two processes: the wake is not heard

    async with open_producer(kafka.settings, client_id="test") as producer, relaying(pool, producer, reader):
        await put(pool, writer, event(1))
        assert [record.value for record in await kafka.read(INPUT, 1, seconds=5)] == [b"1"]


class Dying(Producer):
    """The real producer of a process that dies between the confirmation and the commit."""

    def __init__(self, real: Producer) -> None:
        self._real = real

    async def publish(self, records: Sequence[Outbound]) -> None:
        await self._real.publish(records)
        if records:
            raise LookupError("dead")


async def test_a_relay_that_dies_after_publishing_loses_nothing_and_repeats_equal_ids(
    kafka: Kafka, pool: Database
) -> None:
    await kafka.create(INPUT)
    outbox = Outbox(SCHEMA)
    await put(pool, outbox, event(1), event(2))

    async with open_producer(kafka.settings, client_id="test") as producer:
        with pytest.raises(LookupError):
            await outbox.relay(pool, Dying(producer), stopping=Stopping())
        assert await rows(pool) == 2
        async with relaying(pool, producer, outbox):
            arrived = await kafka.read(INPUT, 4)

    ids = [dict(record.headers)["ce_id"] for record in arrived]
    assert ids == [b"id-1", b"id-2", b"id-1", b"id-2"]


async def test_of_two_relays_each_event_is_moved_by_one_and_none_overtakes_another_of_its_key(
    kafka: Kafka, database: str
) -> None:
    await kafka.create(INPUT)
    count, keys = 3_000, 7
    async with (
        opened(database) as first,
        opened(database) as second,
        open_producer(kafka.settings, client_id="one") as one,
        open_producer(kafka.settings, client_id="two") as two,
    ):
        await put(first, Outbox(SCHEMA), *[event(n, key=b"k%d" % (n % keys)) for n in range(count)])
        async with relaying(first, one, Outbox(SCHEMA)), relaying(second, two, Outbox(SCHEMA)):
            arrived = await kafka.read(INPUT, count)

    assert await kafka.count(INPUT) == count
    assert [int(record.value) for record in arrived if record.key == b"k3"] == list(range(3, count, keys))


class Stalled(Producer):
    """A producer whose broker does not answer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def publish(self, records: Sequence[Outbound]) -> None:
        self.asked.set()
        await asyncio.Event().wait()


async def test_a_relay_takes_over_from_one_that_died_in_the_middle(kafka: Kafka, database: str) -> None:
    await kafka.create(INPUT)
    stalled = Stalled()
    async with (
        opened(database) as pool,
        opened(database) as dying,
        open_producer(kafka.settings, client_id="test") as producer,
    ):
        await put(pool, Outbox(SCHEMA), event(1))
        stuck = asyncio.create_task(Outbox(SCHEMA).relay(dying, stalled, stopping=Stopping()))
        await until(stalled.asked.is_set)
        metrics.OUTBOX_OLDEST.labels(SCHEMA).set(0)
        async with relaying(pool, producer, Outbox(SCHEMA)):
            await put(pool, Outbox(SCHEMA), event(2))
            await until(has_looked)
            assert await kafka.count(INPUT) == 0  # not past the one whose turn it is
            stuck.cancel()
            arrived = await kafka.read(INPUT, 2)

    assert [record.value for record in arrived] == [b"1", b"2"]


def has_looked() -> bool:
    """Whether a relay has tried, and seen that events are waiting."""
    return bool(REGISTRY.get_sample_value("ksef_outbox_oldest_seconds", {"service": SCHEMA}))


class Away:
    """A producer whose Kafka does not answer."""

    async def publish(self, records: Sequence[Outbound]) -> None:
        raise Transient("Kafka is away")


async def test_the_age_of_the_oldest_event_is_shown_while_kafka_takes_nothing(pool: Database) -> None:
    metrics.OUTBOX_OLDEST.labels(SCHEMA).set(0)
    outbox = Outbox(SCHEMA)
    await put(pool, outbox, event(1), event(2))
    await pool.execute(
        "update validator.outbox set created_at = now() - interval '90 s' "
        "where id = (select min(id) from validator.outbox)"
    )

    async with relaying(pool, Away(), outbox):
        await until(has_looked)

    assert 90 <= (REGISTRY.get_sample_value("ksef_outbox_oldest_seconds", {"service": SCHEMA}) or 0) < 120
    assert await rows(pool) == 2


@pytest.mark.parametrize(
    ("record", "refusal"),
    [
        (Outbound("sales.document.lost.v1", key=b"k", value=b"v"), ConfigurationError),
        (Outbound(INPUT, key=b"k", value=b"x" * 3_000_000), RecordTooLarge),
    ],
)
async def test_what_could_never_be_published_is_refused_before_it_blocks_the_outbox(
    pool: Database, record: Outbound, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await put(pool, Outbox(SCHEMA), event(1), record)

    assert await rows(pool) == 0
