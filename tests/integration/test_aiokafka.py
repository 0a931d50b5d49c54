"""The private parts of aiokafka that ``runtime._aiokafka`` relies on.

A failure here after an upgrade means: read that module again before anything else.
"""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition

from runtime import _aiokafka
from runtime._aiokafka import Standing
from runtime.records import DeadLetter, Done, Inbound, Outcome, Retry
from tests.support.kit import (
    DEAD_LETTERS,
    INPUT,
    Kafka,
    Recorder,
    damaged,
    running_stage,
    with_checksum,
    with_header_name,
)
from tests.support.waiting import until


async def test_a_consumer_is_joined_once_it_has_an_assignment_and_dead_once_a_task_of_it_ended(
    kafka: Kafka,
) -> None:
    await kafka.create(INPUT)

    async with running_stage(kafka, Recorder()) as running:
        consumer = running.consumer()
        assert consumer is not None
        assert (_aiokafka.joined(consumer), _aiokafka.dead(consumer)) == (True, False)

        consumer._coordinator._coordination_task.cancel()
        await until(lambda: _aiokafka.dead(consumer))

    assert not _aiokafka.joined(running.consumer())


async def test_a_member_without_a_partition_is_joined_as_well(kafka: Kafka) -> None:
    await kafka.create(INPUT, partitions=1)

    async with running_stage(kafka, Recorder()) as first, running_stage(kafka, Recorder()) as second:
        await until(lambda: first.partitions + second.partitions == 1)
        assert all(_aiokafka.joined(running.consumer()) for running in (first, second))


async def test_where_a_consumer_stands_is_its_position_what_waits_and_what_is_paused(kafka: Kafka) -> None:
    await kafka.create(INPUT, partitions=2)
    await kafka.produce(INPUT, b"one", b"not yet", partition=0)
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def handler(records: Sequence[Inbound]) -> Sequence[Outcome]:
        if records[0].partition == 1:
            begun.set()
            await may_end.wait()
        return [Retry(60, "wait") if record.value == b"not yet" else Done() for record in records]

    async with running_stage(kafka, handler) as running:
        zero, one = (TopicPartition(kafka.prefix + INPUT, number) for number in (0, 1))
        await until(lambda: _aiokafka.standings(running.consumer())[zero] == Standing(1, False, paused=True))
        await kafka.produce(INPUT, b"in hand", partition=1)
        await until(begun.is_set)
        await kafka.produce(INPUT, b"fetched ahead", partition=1)
        await until(lambda: _aiokafka.standings(running.consumer())[one] == Standing(1, True, paused=False))
        may_end.set()
        await kafka.until_committed(INPUT, 2, partition=1)

    assert _aiokafka.standings(running.consumer()) == {}


async def test_a_group_that_is_to_be_joined_again_shows_until_it_is(kafka: Kafka) -> None:
    await kafka.create(INPUT, partitions=2)
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def holding(records: Sequence[Inbound]) -> Sequence[Outcome]:
        begun.set()
        await may_end.wait()
        return [Done() for _ in records]

    async def join() -> None:
        async with running_stage(kafka, Recorder()) as other:
            await until(lambda: other.partitions == 1)

    async with running_stage(kafka, holding) as running:
        assert _aiokafka.rejoining(running.consumer()) is None
        await kafka.produce(INPUT, b"one")
        await until(begun.is_set)
        joining = asyncio.create_task(join())
        await until(lambda: _aiokafka.rejoining(running.consumer()) is not None)
        may_end.set()
        await until(lambda: running.partitions == 1 and _aiokafka.rejoining(running.consumer()) is None)
        await joining


# What cannot be parsed


@pytest.mark.parametrize("name", [b"\xff\xfe\xfd\xfc", b"N\xb3\xf3E"])
async def test_a_header_name_that_is_not_utf8_costs_neither_its_record_nor_the_header(
    kafka: Kafka, name: bytes
) -> None:
    await kafka.create(INPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, b"before", headers=[("good", b"yes")])
    await kafka.produce_batch(INPUT, with_header_name(name), headers=[("NAME", b"\xb3"), ("good", b"yes")])
    await kafka.produce(INPUT, b"after")
    readable = name.decode(errors="backslashreplace")

    handler = Recorder(lambda record: DeadLetter("bad") if record.value == b"v" else Done())
    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 3)

    assert handler.values == [b"before", b"v", b"after"]
    assert list(handler.seen[1].raw_headers) == [(readable, b"\xb3"), ("good", b"yes")]
    (letter,) = await kafka.read(DEAD_LETTERS, 1)
    assert list(letter.headers)[:2] == [(readable, b"\xb3"), ("good", b"yes")]


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
async def test_batches_of_every_codec_are_read_as_before(kafka: Kafka, codec: str | None) -> None:
    await kafka.create(INPUT)
    async with kafka.raw_producer(compression_type=codec, linger_ms=50) as producer:
        sent = [
            await producer.send(kafka.prefix + INPUT, b"%d" % n, key=b"k", headers=[("ż", b"%d" % n)])
            for n in range(50)
        ]
        await asyncio.gather(*sent)

    handler = Recorder()
    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 50)

    assert handler.values == [b"%d" % n for n in range(50)]
    assert [dict(record.headers) for record in handler.seen[-2:]] == [{"ż": "48"}, {"ż": "49"}]


async def test_a_fetch_that_cannot_be_parsed_is_shown_with_its_place(kafka: Kafka) -> None:
    await kafka.create(INPUT, partitions=2)
    await kafka.produce(INPUT, b"zero", b"one", partition=1)
    await kafka.produce_batch(INPUT, damaged, partition=1)

    async with running_stage(kafka, Recorder()) as running:
        await until(running.stage.fatal.done)
        where = _aiokafka.unreadable(running.consumer())

    assert where == {TopicPartition(kafka.prefix + INPUT, 1): 2}


def test_a_batch_with_its_checksum_made_again_is_the_batch() -> None:
    batch = bytes.fromhex("00000000000000000000003200000000020000000000000000000000") + bytes(40)

    assert with_checksum(with_checksum(batch)) == with_checksum(batch)
