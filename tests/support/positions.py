"""Where the workers stand on the topics that they read: asked, waited for, moved back to the beginning."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts import events
from runtime.db import connect
from runtime.settings import KafkaSettings, Settings
from runtime.topics import table
from services import WORKERS
from tests.support.waiting import until

# The sender reads it whole at every start, in no group.
READ_WHOLE = {events.ADVANCED}


class Positions:
    """The consumer groups of one installation, and the sources whose topics they read."""

    def __init__(self, settings: Settings, *, sources: Sequence[str]) -> None:
        self._settings = settings
        self._sources = sources

    async def rewind(self) -> None:
        """Set every offset of every group to 0. No worker may run."""
        for worker in WORKERS:
            async with self._member(worker) as consumer:
                await consumer.commit(dict.fromkeys(consumer.assignment(), 0))

    async def until_at_the_end(self, *, seconds: float = 60) -> None:
        """Wait until all that was published is read, and all that is to be published is published."""
        await until(self._nothing_is_left, seconds=seconds)

    async def _nothing_is_left(self) -> bool:
        # What a stage publishes is there before its own offset moves; what an outbox holds, after that.
        return await self._all_read() and await self._outboxes_empty() and await self._all_read()

    async def _all_read(self) -> bool:
        for worker in WORKERS:
            async with self._member(worker) as consumer:
                ends = await consumer.end_offsets(consumer.assignment())
                committed = await self._committed(worker)
            if any(end > committed.get(partition, 0) for partition, end in ends.items()):
                return False
        return True

    async def _committed(self, worker: str) -> dict[TopicPartition, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka.bootstrap_servers)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self._group(worker))
        finally:
            await admin.close()
        return {partition: at.offset for partition, at in offsets.items()}

    async def _outboxes_empty(self) -> bool:
        connection = await connect(self._settings.postgres)
        try:
            tables = await connection.fetch("select schemaname from pg_tables where tablename = 'outbox'")
            counts = [
                await connection.fetchval(f"select count(*) from {row['schemaname']}.outbox")  # noqa: S608
                for row in tables
            ]
        finally:
            await connection.close()
        return len(counts) == 3 and not any(counts)

    @asynccontextmanager
    async def _member(self, worker: str) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer of the worker's group, with all its partitions, that does not join it."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka.bootstrap_servers,
            group_id=self._group(worker),
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            await consumer._client.force_metadata_update()
            consumer.assign(
                [
                    TopicPartition(self._kafka.topic_prefix + name, number)
                    for topic in table()
                    if worker in topic.consumers and topic.type not in READ_WHOLE
                    for name in topic.names(self._sources)
                    for number in range(topic.partitions)
                ]
            )
            yield consumer
        finally:
            await consumer.stop()

    @property
    def _kafka(self) -> KafkaSettings:
        return self._settings.kafka

    def _group(self, worker: str) -> str:
        return f"{self._kafka.topic_prefix}ksef.{worker}"
