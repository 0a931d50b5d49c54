"""Reading dead letters where they are kept: the topics ``ksef.<service>.dlq``, outside of any group.

Reading moves no cursor and changes nothing; it ends with the letters that were there when it began.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from contracts.events import dead_letter_topic
from runtime._aiokafka import read_any_header_name
from runtime.dead_letters import Letter, NoLetter, read_letter
from runtime.errors import ConfigurationError, Transient
from runtime.kafka import connection_options
from runtime.settings import KafkaSettings

FETCH_RECORDS = 200
SILENCE_SECONDS = 30.0
_PARTITION = 0


@dataclass(frozen=True, slots=True)
class Stranger:
    """A record among the letters that is none."""

    service: str
    offset: int
    lacks: str


class DeadLetterTopics:
    """The letters of all services of an installation."""

    def __init__(self, consumer: AIOKafkaConsumer, *, topic_prefix: str) -> None:
        self._consumer = consumer
        self._prefix = topic_prefix

    async def read(
        self, service: str, *, since: datetime | None = None, only: int | None = None
    ) -> AsyncIterator[Sequence[Letter | Stranger]]:
        """One service's letters in order, a fetch at a time: not older than ``since``, or one offset alone.

        What lies before ``since`` is not even fetched; a few older ones may still come. Raises
        ``ConfigurationError`` for a topic that does not exist, ``Transient`` when Kafka falls silent.
        """
        partition = await self._assign(service)
        end = (await self._consumer.end_offsets([partition]))[partition]
        if only is not None:
            end = min(end, only + 1)
        position = await self._begin(partition, since=since, only=only, end=end)
        while position < end:
            records = await self._fetch(partition, end=end)
            yield [_read(record, service=service) for record in records if record.offset < end]
            position = await self._consumer.position(partition)

    async def _assign(self, service: str) -> TopicPartition:
        topic = self._prefix + dead_letter_topic(service)
        if topic not in await self._consumer.topics():
            raise ConfigurationError(f"there is no topic {topic}: run `ksef-courier topics apply`")
        partition = TopicPartition(topic, _PARTITION)
        self._consumer.assign([partition])
        return partition

    async def _begin(
        self, partition: TopicPartition, *, since: datetime | None, only: int | None, end: int
    ) -> int:
        """Seek; the first offset that is wanted, at least ``end`` when there is none."""
        first: int = (await self._consumer.beginning_offsets([partition]))[partition]
        if only is not None:
            first = only if only >= first else end
        elif since is not None:
            # Records are stamped when they are published, which is never before they failed.
            milliseconds = int(since.timestamp() * 1000)
            found = (await self._consumer.offsets_for_times({partition: milliseconds}))[partition]
            first = end if found is None else found.offset
        self._consumer.seek(partition, first)
        return first

    async def _fetch(self, partition: TopicPartition, *, end: int) -> Sequence[ConsumerRecord]:
        """The next records before ``end``; none when they were deleted meanwhile."""
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                while await self._consumer.position(partition) < end:
                    found = await self._consumer.getmany(timeout_ms=1000, max_records=FETCH_RECORDS)
                    if found:
                        records: Sequence[ConsumerRecord] = found[partition]
                        return records
        except TimeoutError:
            raise Transient(
                f"Kafka gave nothing of {partition.topic} for {SILENCE_SECONDS:.0f} s: try again later"
            ) from None
        return ()


@asynccontextmanager
async def open_dead_letter_topics(settings: KafkaSettings) -> AsyncIterator[DeadLetterTopics]:
    """For reading; joins no group, commits nothing."""
    read_any_header_name()
    consumer = AIOKafkaConsumer(
        client_id="ksef-courier-dead-letters",
        enable_auto_commit=False,
        # A fetch that waits for more records holds up every question behind it, e.g. where a topic ends.
        fetch_max_wait_ms=10,
        **connection_options(settings),
    )
    try:
        await consumer.start()
        yield DeadLetterTopics(consumer, topic_prefix=settings.topic_prefix)
    finally:
        await consumer.stop()


def _read(record: ConsumerRecord, *, service: str) -> Letter | Stranger:
    try:
        return read_letter(record, service=service)
    except NoLetter as error:
        return Stranger(service, record.offset, str(error))
