"""The one producer of a process: acknowledged by all replicas, idempotent, batched.

``publish`` returns only when the broker has confirmed every record. It never hangs: a confirmation that does
not come within the bound raises :class:`ProducerStuck`, and the process is expected to end (an idempotent
producer in doubt about its sequence numbers cannot be repaired from outside).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from runtime import metrics
from runtime.errors import ProducerStuck, RecordTooLarge, Refused
from runtime.failures import is_transient
from runtime.kafka import connect, connection_options
from runtime.records import Outbound
from runtime.settings import KafkaSettings
from runtime.topics import declared, table

CONFIRM_SECONDS = 45.0
CLOSE_SECONDS = 5
Confirmation: TypeAlias = "asyncio.Future[object]"
# What Kafka's record and batch formats add to key, value and headers, generously.
_OVERHEAD_BYTES = 1024
_OVERHEAD_PER_HEADER_BYTES = 10


class Producer:
    """Publishes to declared topics only, with the installation's prefix."""

    def __init__(self, client: AIOKafkaProducer, *, topic_prefix: str, confirm_seconds: float) -> None:
        self._client = client
        self._prefix = topic_prefix
        self._confirm_seconds = confirm_seconds

    @property
    def connection(self) -> AIOKafkaClient:
        """For requests that are not records."""
        return self._client.client

    async def publish(self, records: Sequence[Outbound]) -> None:
        """Send ``records`` in order and wait until all are confirmed.

        On any error some of them may be on the topic already: repeat all, consumers drop what they have seen.
        """
        if not records:
            return
        for record in records:
            check_publishable(record)
        with metrics.PUBLISH_SECONDS.time():
            try:
                async with asyncio.timeout(self._confirm_seconds):
                    await self._publish(records)
            except TimeoutError as error:
                bound = f"{self._confirm_seconds:.0f} s"
                raise ProducerStuck(f"no confirmation from Kafka within {bound}") from error
            except KafkaError as error:
                if is_transient(error):
                    raise
                # A batch that is refused leaves a gap in the sequence numbers of its partition.
                raise ProducerStuck(f"Kafka refused a record: {error}") from error

    async def _publish(self, records: Sequence[Outbound]) -> None:
        confirmations = [await self._send(record) for record in records]
        await asyncio.wait(confirmations)
        for confirmation in confirmations:
            confirmation.result()

    async def _send(self, record: Outbound) -> Confirmation:
        topic = self._prefix + record.topic
        try:
            confirmation: Confirmation = await self._client.send(
                topic, key=record.key, value=record.value, headers=list(record.headers)
            )
        except TopicAuthorizationFailedError as error:
            # Said by the topic's metadata: this record has not been sent, and the producer is in no doubt.
            raise Refused(f"no right to write to {topic}: run `ksef-courier topics acl --apply`") from error
        except UnknownTopicOrPartitionError as error:
            raise Refused(f"topic {topic} does not exist: run `ksef-courier topics apply`") from error
        # When another record fails first, nobody else looks at this one's exception.
        confirmation.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return confirmation


def check_publishable(record: Outbound) -> None:
    """Raise :class:`RecordTooLarge`, or ``ConfigurationError`` for an undeclared topic.

    The size is counted before compression: more than the broker will see, never less.
    """
    topic = declared(record.topic)
    size = _size_bytes(record)
    if size > topic.max_message_bytes:
        raise RecordTooLarge(f"{size} bytes for {topic.name}, which takes {topic.max_message_bytes}")


def _size_bytes(record: Outbound) -> int:
    parts = [record.key, record.value, *(value for _, value in record.headers)]
    names = sum(len(name.encode()) + _OVERHEAD_PER_HEADER_BYTES for name, _ in record.headers)
    return sum(len(part or b"") for part in parts) + names + _OVERHEAD_BYTES


@asynccontextmanager
async def open_producer(
    settings: KafkaSettings, *, client_id: str, confirm_seconds: float = CONFIRM_SECONDS
) -> AsyncIterator[Producer]:
    client = AIOKafkaProducer(
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=262_144,
        max_request_size=max(topic.max_message_bytes for topic in table()),
        compression_type="zstd",
        request_timeout_ms=30_000,
        **connection_options(settings),
    )
    try:
        await connect(client.start, settings)
        yield Producer(client, topic_prefix=settings.topic_prefix, confirm_seconds=confirm_seconds)
    finally:
        try:
            await asyncio.wait_for(client.stop(), timeout=CLOSE_SECONDS)
        except TimeoutError:
            # stop() waits for confirmations for ever; nothing unconfirmed is promised to anybody.
            await client.client.close()
