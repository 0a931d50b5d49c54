"""The private parts of FastStream that ``runtime._faststream`` relies on.

A failure here after an upgrade means: read that module again before anything else.
"""

import asyncio
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException

from runtime._faststream import Fetched
from tests.support.kit import INPUT, Kafka, Recorder, Running, damaged, running_stage
from tests.support.waiting import until


async def test_records_are_captured_in_the_same_turn_of_the_loop_as_they_are_fetched(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    fetched: list[Fetched] = []
    turns_since_fetch: list[int] = []
    turns = 0

    def count_turn() -> None:
        nonlocal turns
        turns += 1

    def generation() -> int:
        turns_since_fetch.append(turns)
        return 7

    async def on_batch(batch: Fetched) -> None:
        fetched.append(batch)

    async with running_stage(kafka, Recorder(), generation=generation, on_batch=on_batch) as running:
        consumer = running.consumer()
        assert consumer is not None
        getmany = consumer.getmany

        async def counting(**options: Any) -> Any:
            nonlocal turns
            records = await getmany(**options)
            turns = 0
            asyncio.get_running_loop().call_soon(count_turn)
            return records

        consumer.getmany = counting
        # One fetch that began before the exchange may still bring the first records.
        await kafka.produce(INPUT, b"one")
        await until(lambda: len(fetched) == 1)
        turns_since_fetch.clear()
        await kafka.produce(INPUT, b"two")
        await until(lambda: len(fetched) == 2)

    assert turns_since_fetch == [0]
    assert [record.value for record in fetched[1].records] == [b"two"]
    assert (fetched[1].consumer, fetched[1].generation) == (consumer, 7)


async def test_faststream_commits_nothing_by_itself(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one")
    fetched: list[Fetched] = []

    async def on_batch(batch: Fetched) -> None:
        fetched.append(batch)

    async with running_stage(kafka, Recorder(), on_batch=on_batch):
        await until(lambda: len(fetched) == 1)
        await kafka.produce(INPUT, b"two")
        await until(lambda: len(fetched) == 2)

    assert await kafka.committed(INPUT) is None


async def test_an_error_that_escapes_a_batch_is_told(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one")

    async def on_batch(_batch: Fetched) -> None:
        raise LookupError("a bug of ours")

    async with running_stage(kafka, Recorder(), on_batch=on_batch) as running:
        await until(running.stage.fatal.done)

    assert isinstance(running.stage.fatal.exception(), LookupError)


async def test_a_fetch_that_cannot_be_parsed_ends_the_worker_before_a_neighbour_loses_records(
    kafka: Kafka,
) -> None:
    neighbours = range(8)
    await kafka.create(INPUT, partitions=9)
    for partition in neighbours:
        await kafka.produce(INPUT, b"0", b"1", partition=partition)
    await kafka.produce_batch(INPUT, damaged, partition=8)
    handler = Recorder()

    async with running_stage(kafka, handler) as running:
        await until(running.stage.fatal.done)
        for partition in neighbours:
            await kafka.produce(INPUT, b"2", partition=partition)
        await until(lambda: has_fetched_up_to(running, kafka, 3, partitions=neighbours))

    assert isinstance(running.stage.fatal.exception(), CorruptRecordException)
    for partition in neighbours:
        handled = [record.offset for record in handler.seen if record.partition == partition]
        assert handled == list(range(len(handled)))  # none is missing in between
        assert (await kafka.committed(INPUT, partition) or 0) == len(handled)


async def has_fetched_up_to(running: Running, kafka: Kafka, offset: int, *, partitions: range) -> bool:
    """Whether FastStream has gone on fetching, up to there."""
    consumer = running.consumer()
    assert consumer is not None
    positions = [await consumer.position(TopicPartition(kafka.prefix + INPUT, n)) for n in partitions]
    return all(position >= offset for position in positions)
