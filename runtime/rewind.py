"""Reading topics again: from a point in time without a group, and setting a group back to it.

A group is only ever set back, never forward, and only while nobody is a member of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code

from runtime.errors import OperatorNeeded
from runtime.kafka import connection_options, stop_quietly
from runtime.settings import KafkaSettings

READ_SECONDS = 3600.0
_FETCH_MILLISECONDS = 1_000
_BATCH = 500


@dataclass(frozen=True, slots=True)
class SetBack:
    """One partition of a group: where it stood (None: nowhere yet) and where it is to read again from."""

    topic: str
    partition: int
    was: int | None
    is_now: int

    @property
    def records(self) -> int:
        """How many will be read again."""
        return 0 if self.was is None else self.was - self.is_now


async def members(settings: KafkaSettings, groups: Iterable[str]) -> list[str]:
    """Those of these groups (without the installation's prefix) that have members now."""
    prefix = settings.topic_prefix
    admin = AIOKafkaAdminClient(**connection_options(settings))
    await admin.start()
    try:
        return [group for group in sorted(groups) if await _has_members(admin, prefix + group)]
    finally:
        await admin.close()


async def _has_members(admin: AIOKafkaAdminClient, group: str) -> bool:
    # One group a question: the client misreads the second group of an answer of this version.
    (response,) = await admin.describe_consumer_groups([group])
    (described,) = response.groups
    error, _group, _state, _protocol_type, _protocol, found, *_ = described
    if error:
        raise for_code(error)(f"Kafka does not say who is a member of {group}")
    return bool(found)


async def existing(settings: KafkaSettings) -> list[str]:
    """The topics of this installation that are there, without its prefix."""
    admin = AIOKafkaAdminClient(**connection_options(settings))
    await admin.start()
    try:
        names = await admin.list_topics()
    finally:
        await admin.close()
    prefix = settings.topic_prefix
    return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))


async def plan(settings: KafkaSettings, *, group: str, topics: Sequence[str], to: datetime) -> list[SetBack]:
    """Where a group would be set back to, partition by partition; those that stand earlier are left out."""
    async with asyncio.timeout(READ_SECONDS):
        consumer = await _consumer(settings, group=group)
        try:
            return await _plan(settings, consumer, topics, to)
        finally:
            await stop_quietly(consumer)


async def apply(settings: KafkaSettings, *, group: str, steps: Sequence[SetBack]) -> None:
    """Set a group back. Raises :class:`OperatorNeeded` when it has members: they would not notice."""
    if await members(settings, [group]):
        raise OperatorNeeded(f"the group {group} has members: stop its workers first")
    prefix = settings.topic_prefix
    offsets = {TopicPartition(prefix + step.topic, step.partition): step.is_now for step in steps}
    if not offsets:
        return
    consumer = await _consumer(settings, group=group)
    try:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
    finally:
        await stop_quietly(consumer)


async def read_since(
    settings: KafkaSettings,
    *,
    topics: Sequence[str],
    since: datetime,
    on_records: Callable[[Sequence[ConsumerRecord]], Awaitable[None]],
) -> int:
    """Read what these topics got since then, up to their ends of now; how many records that were."""
    count = 0
    consumer = await _consumer(settings, group=None)
    try:
        async with asyncio.timeout(READ_SECONDS):
            starts = await _offsets_at(settings, consumer, topics, since)
            consumer.assign(list(starts))
            ends = await consumer.end_offsets(list(starts))
            for partition, offset in starts.items():
                consumer.seek(partition, offset)
            while [partition for partition, end in ends.items() if await consumer.position(partition) < end]:
                fetched = await consumer.getmany(timeout_ms=_FETCH_MILLISECONDS, max_records=_BATCH)
                for records in fetched.values():
                    await on_records(records)
                    count += len(records)
    finally:
        await stop_quietly(consumer)
    return count


async def _plan(
    settings: KafkaSettings, consumer: AIOKafkaConsumer, topics: Sequence[str], to: datetime
) -> list[SetBack]:
    steps = []
    for partition, offset in sorted((await _offsets_at(settings, consumer, topics, to)).items()):
        committed: int | None = await consumer.committed(partition)
        if committed is not None and offset < committed:
            topic = partition.topic.removeprefix(settings.topic_prefix)
            steps.append(SetBack(topic, partition.partition, committed, offset))
    return steps


async def _offsets_at(
    settings: KafkaSettings, consumer: AIOKafkaConsumer, topics: Sequence[str], at: datetime
) -> Mapping[TopicPartition, int]:
    """The first offset of each partition that is not older than ``at``: its end when there is none."""
    partitions = [
        TopicPartition(settings.topic_prefix + topic, number)
        for topic in topics
        for number in _numbers(consumer, settings.topic_prefix + topic)
    ]
    milliseconds = int(at.timestamp() * 1000)
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    ends = await consumer.end_offsets(partitions)
    return {
        partition: ends[partition] if found[partition] is None else found[partition].offset
        for partition in partitions
    }


def _numbers(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    numbers: set[int] | None = consumer.partitions_for_topic(topic)
    if not numbers:
        raise OperatorNeeded(f"topic {topic} is not there, or we may not see it: it cannot be read again")
    return numbers


async def _consumer(settings: KafkaSettings, *, group: str | None) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        client_id="ksef-courier-rewind",
        group_id=None if group is None else settings.topic_prefix + group,
        enable_auto_commit=False,
        # What retention deletes meanwhile is skipped, never the rest of the topic.
        auto_offset_reset="earliest",
        **connection_options(settings),
    )
    await consumer.start()
    # A consumer that has subscribed to nothing asks for every topic.
    await consumer._client.force_metadata_update()  # noqa: SLF001  there is no public call
    return consumer
