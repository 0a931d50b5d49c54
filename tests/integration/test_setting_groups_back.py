"""Setting groups back on a real broker: only back, only while nobody is a member."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from runtime import rewind
from runtime.errors import OperatorNeeded
from runtime.rewind import SetBack
from tests.support.kit import INPUT, SERVICE, Kafka

GROUP = f"ksef.{SERVICE}"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def read(kafka: Kafka) -> Kafka:
    """Three records in each of two partitions; the group has read two of the first, none of the second."""
    await kafka.create(INPUT, partitions=2)
    for partition in (0, 1):
        await kafka.produce(INPUT, b"a", b"b", b"c", partition=partition)
    await commit(kafka, 0, 2)
    return kafka


async def commit(kafka: Kafka, partition: int, offset: int) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.settings.bootstrap_servers, group_id=kafka.group, enable_auto_commit=False
    )
    await consumer.start()
    where = TopicPartition(kafka.prefix + INPUT, partition)
    consumer.assign([where])
    await consumer.commit({where: offset})
    await consumer.stop()


async def test_a_group_goes_back_to_the_first_record_of_that_time(read: Kafka) -> None:
    steps = await rewind.plan(read.settings, group=GROUP, topics=[INPUT], to=LONG_AGO)
    await rewind.apply(read.settings, group=GROUP, steps=steps)

    assert steps == [SetBack(INPUT, 0, was=2, is_now=0)]
    assert [step.records for step in steps] == [2]
    assert await read.committed(INPUT, 0) == 0
    assert await read.committed(INPUT, 1) is None


async def test_a_group_never_goes_forward(read: Kafka) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    assert await rewind.plan(read.settings, group=GROUP, topics=[INPUT], to=tomorrow) == []


async def test_a_group_with_a_member_is_left_alone(read: Kafka) -> None:
    member = AIOKafkaConsumer(
        read.prefix + INPUT, bootstrap_servers=read.settings.bootstrap_servers, group_id=read.group
    )
    await member.start()
    try:
        assert await rewind.members(read.settings, [GROUP, "ksef.tracker"]) == [GROUP]
        with pytest.raises(OperatorNeeded, match=f"{GROUP} has members: stop its workers first"):
            await rewind.apply(read.settings, group=GROUP, steps=[SetBack(INPUT, 0, was=2, is_now=0)])
    finally:
        await member.stop()

    assert await rewind.members(read.settings, [GROUP]) == []


async def test_topics_are_read_from_a_time_on_to_their_ends(read: Kafka) -> None:
    values: list[bytes | None] = []

    async def on_records(records: Sequence[ConsumerRecord]) -> None:
        values.extend(record.value for record in records)

    count = await rewind.read_since(read.settings, topics=[INPUT], since=LONG_AGO, on_records=on_records)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    later = await rewind.read_since(read.settings, topics=[INPUT], since=tomorrow, on_records=on_records)

    assert (count, later) == (6, 0)
    assert sorted(values, key=str) == [b"a", b"a", b"b", b"b", b"c", b"c"]
