"""The one producer of a process: acknowledged by all replicas, idempotent, batched.

``publish`` returns only when the broker has confirmed every record. It never hangs: a confirmation that does
not come within the bound raises :class:`ProducerStuck`, and the process is expected to end (an idempotent
producer in doubt about its sequence numbers cannot be repaired from outside).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaProducer

from runtime import metrics
from runtime.errors import CourierError
from runtime.kafka import connection_options
from runtime.records import Outbound
from runtime.settings import KafkaSettings
from runtime.topics import declared

CONFIRM_SECONDS = 45.0
MAX_REQUEST_BYTES = 2 * 1024 * 1024


class ProducerStuck(CourierError):
    """The broker did not confirm in time; whether the records are there is unknown. Fatal for the process."""


class Producer:
    """Publishes to declared topics only, with the installation's prefix."""

    def __init__(self, client: AIOKafkaProducer, *, topic_prefix: str) -> None:
        self._client = client
        self._prefix = topic_prefix

    async def publish(self, records: Sequence[Outbound]) -> None:
        """Send ``records`` in order and wait until all are confirmed.

        On any error some of them may be on the topic already: repeat all, consumers drop what they have seen.
        """
        if not records:
            return
        for record in records:
            declared(record.topic)
        with metrics.PUBLISH_SECONDS.time():
            try:
                async with asyncio.timeout(CONFIRM_SECONDS):
                    await self._publish(records)
            except TimeoutError as error:
                raise ProducerStuck(f"no confirmation from Kafka within {CONFIRM_SECONDS:.0f} s") from error

    async def _publish(self, records: Sequence[Outbound]) -> None:
        confirmations = [
            await self._client.send(
                self._prefix + record.topic, key=record.key, value=record.value, headers=list(record.headers)
            )
            for record in records
        ]
        # gather would leave the others' exceptions unseen; wait lets every confirmation end first.
        await asyncio.wait(confirmations)
        for confirmation in confirmations:
            confirmation.result()


@asynccontextmanager
async def open_producer(settings: KafkaSettings, *, client_id: str) -> AsyncIterator[Producer]:
    client = AIOKafkaProducer(
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=262_144,
        max_request_size=MAX_REQUEST_BYTES,
        compression_type="zstd",
        request_timeout_ms=30_000,
        **connection_options(settings),
    )
    await client.start()
    try:
        yield Producer(client, topic_prefix=settings.topic_prefix)
    finally:
        # stop() waits for the broker for ever when it is away; nothing unconfirmed is promised to anybody.
        with suppress(TimeoutError):
            await asyncio.wait_for(client.stop(), timeout=5)
