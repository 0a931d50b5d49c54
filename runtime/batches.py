"""The records of a fetch, as the client gives them: cut into chunks, read as ours, gone back to."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aiokafka import ConsumerRecord, TopicPartition

from runtime._faststream import Fetched
from runtime.records import Inbound, Outcome, Retry, headers_as_text

CHUNK_BYTES = 8 * 1024 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def partition_of(record: ConsumerRecord) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def first_chunk(records: Sequence[ConsumerRecord], *, most: int) -> Sequence[ConsumerRecord]:
    """As many of the first records as stay within ``most`` and ``CHUNK_BYTES``; at least one."""
    size = 0
    for count, record in enumerate(records[:most]):
        size += len(record.value or b"")
        if count and size > CHUNK_BYTES:
            return records[:count]
    return records[:most]


def held_behind_retries(records: Sequence[ConsumerRecord], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, a partition's first ``Retry`` standing for all behind it.

    What those had to publish is not published: they will be decided again, and a dead letter must not be
    repeated at every look.
    """
    waits: dict[TopicPartition, Retry] = {}
    held: list[Outcome] = []
    for record, outcome in zip(records, outcomes, strict=True):
        if isinstance(outcome, Retry):
            waits.setdefault(partition_of(record), outcome)
        held.append(waits.get(partition_of(record), outcome))
    return held


def inbound(record: ConsumerRecord, *, topic_prefix: str) -> Inbound:
    """The record as handlers see it. Raises ``OverflowError`` for a time outside the calendar."""
    return Inbound(
        topic=record.topic.removeprefix(topic_prefix),
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value or b"",
        headers=headers_as_text(record.headers),
        raw_headers=tuple(record.headers),
        timestamp=_EPOCH + timedelta(milliseconds=record.timestamp),
    )


def rewind(fetched: Fetched, records: Sequence[ConsumerRecord]) -> None:
    """Come back to ``records``. Partitions that are gone come back from their committed offsets anyway."""
    first: dict[TopicPartition, int] = {}
    for record in records:
        first.setdefault(partition_of(record), record.offset)
    assigned = fetched.consumer.assignment()
    for partition, offset in first.items():
        if partition in assigned:
            fetched.consumer.seek(partition, offset)
