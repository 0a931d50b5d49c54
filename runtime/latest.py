"""The latest record of every key of a compacted topic, read to its end whenever it is asked for.

For the few facts that must survive the loss of the database. Belongs to no group and commits nothing: every
process reads the whole topic once, and from then on what is new.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from runtime.acl import Operation
from runtime.acl_requests import allowed, open_client
from runtime.errors import ConfigurationError, Refused
from runtime.kafka import connection_options, stop_quietly
from runtime.settings import KafkaSettings

READ_SECONDS = 30.0
FETCH_WAIT_MILLISECONDS = 10
_FETCH_MILLISECONDS = 1_000


class LatestRecords:
    """Follows one topic. ``on_record`` hears of every record, in order per partition."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        topic: str,
        client_id: str,
        on_record: Callable[[ConsumerRecord], None],
    ) -> None:
        self._settings = settings
        self._topic = settings.topic_prefix + topic
        self._client_id = client_id
        self._on_record = on_record
        self._consumer: AIOKafkaConsumer | None = None
        self._reading = asyncio.Lock()

    async def read_to_end(self) -> None:
        """Return when everything that was on the topic at the call has been heard of.

        Raises ``TimeoutError`` and Kafka's own errors when Kafka is away, :class:`ConfigurationError` for a
        topic that does not exist or that we may not read.
        """
        async with self._reading, asyncio.timeout(READ_SECONDS):
            try:
                consumer = self._consumer or await self._connect()
                ends: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
                self._refuse_nothing(ends)
                while [partition for partition in ends if await _before(consumer, partition, ends)]:
                    for record in _records(await consumer.getmany(timeout_ms=_FETCH_MILLISECONDS)):
                        self._on_record(record)
            except BaseException:
                await self.close()
                raise

    def _refuse_nothing(self, ends: Mapping[TopicPartition, int]) -> None:
        # The client drops a topic that it may not see any more; to have read nothing is not to have read all.
        if not ends:
            raise Refused(f"topic {self._topic} can no longer be read: is it there, and may we read it?")

    async def close(self) -> None:
        """Forget the connection; the next read begins again, which its hearer must not mind."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_quietly(consumer)

    async def _connect(self) -> AIOKafkaConsumer:
        await self._refuse_missing()
        # Without a group all partitions are ours, from the beginning.
        consumer = self._consumer = AIOKafkaConsumer(
            self._topic,
            client_id=self._client_id,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            # Questions about offsets wait behind a fetch on the same connection.
            fetch_max_wait_ms=FETCH_WAIT_MILLISECONDS,
            **connection_options(self._settings),
        )
        await consumer.start()
        return consumer

    async def _refuse_missing(self) -> None:
        # A consumer would wait for the topic for ever, and log that ten times a second.
        async with open_client(self._settings) as client:
            may = (await allowed(client, [self._topic]))[self._topic]
        if may is None:
            raise ConfigurationError(f"topic {self._topic} does not exist: run `ksef-courier topics apply`")
        if Operation.READ not in may:
            raise ConfigurationError(
                f"no right to read topic {self._topic}: run `ksef-courier topics acl --apply`"
            )


async def _before(
    consumer: AIOKafkaConsumer, partition: TopicPartition, ends: dict[TopicPartition, int]
) -> bool:
    return bool(await consumer.position(partition) < ends[partition])


def _records(fetched: dict[TopicPartition, list[ConsumerRecord]]) -> Iterator[ConsumerRecord]:
    for records in fetched.values():
        yield from records
