"""The ERPs' side: publishing as an ERP does that is not sure, and reading every result.

Invariant: what is published is confirmed by Kafka or published again; what is read has no holes, because the
reader keeps its own positions and goes on from them after any failure of its client.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.events import results_topic, sales_topic
from runtime.producer import Producer, ProducerStuck, open_producer
from runtime.records import Outbound
from runtime.settings import KafkaSettings
from tests.chaos.checker import ENDS
from tests.chaos.documents import Publication
from tests.chaos.history import Told

_TICK_SECONDS = 0.2
_AT_ONCE = 500
_CONFIRM_SECONDS = 10.0
_PAUSE_SECONDS = 1.0
_CLOSE_SECONDS = 5.0
_SILENCE_SECONDS = 15.0
"""A consumer that has read nothing for so long is opened anew: cheaper than to trust its recovery."""
_AWAY = (KafkaError, ProducerStuck, OSError, TimeoutError)


class Publisher:
    """Publishes at the planned times, late ones as soon as Kafka takes them."""

    def __init__(self, settings: KafkaSettings, publications: Sequence[Publication]) -> None:
        self.published = 0
        self.repeated = 0
        """Publications repeated because their confirmation did not come."""
        self.first_at: dict[UUID, float] = {}
        """When a document was confirmed first, in seconds since the epoch."""
        self._settings = settings
        self._publications = publications

    async def run(self) -> None:
        """Until all is published and confirmed."""
        began = time.monotonic()
        while self.published < len(self._publications):
            with suppress(*_AWAY):
                async with open_producer(
                    self._settings, client_id="chaos-erp", confirm_seconds=_CONFIRM_SECONDS
                ) as producer:
                    await self._publish_with(producer, began)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _publish_with(self, producer: Producer, began: float) -> None:
        while self.published < len(self._publications):
            due = self._due(time.monotonic() - began)
            if not due:
                await asyncio.sleep(_TICK_SECONDS)
                continue
            self.repeated += len(due)
            await producer.publish(
                [Outbound(sales_topic(item.source), key=None, value=item.body) for item in due]
            )
            self.repeated -= len(due)
            self.published += len(due)
            for item in due:
                self.first_at.setdefault(item.document_id, time.time())

    def _due(self, seconds: float) -> Sequence[Publication]:
        first = self._publications[self.published : self.published + _AT_ONCE]
        return [item for item in first if item.at_seconds <= seconds]


class Inbox:
    """Everything on the results topics, in the order of reading."""

    def __init__(self, settings: KafkaSettings, sources: Sequence[str]) -> None:
        self.told: list[Told] = []
        self.ended: set[UUID] = set()
        """Documents whose latest state is an end."""
        self._settings = settings
        self._topics = [settings.topic_prefix + results_topic(source) for source in sources]
        self._positions: dict[TopicPartition, int] = {}

    async def run(self, *, progressed: Callable[[], None] = lambda: None) -> None:
        """Read on until cancelled."""
        while True:
            with suppress(*_AWAY):
                async with AsyncExitStack() as stack:
                    await self._read_with(await self._open(stack), progressed)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def read_to_the_end(self) -> None:
        """Return when all that is on the topics now has been read. For when nobody else reads."""
        while True:
            with suppress(*_AWAY):
                async with AsyncExitStack() as stack:
                    consumer = await self._open(stack)
                    ends = await consumer.end_offsets(list(self._positions))
                    while any(self._positions[partition] < end for partition, end in ends.items()):
                        await self._take_some(consumer)
                    return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _read_with(self, consumer: AIOKafkaConsumer, progressed: Callable[[], None]) -> None:
        silent_since = time.monotonic()
        while time.monotonic() - silent_since < _SILENCE_SECONDS:
            if await self._take_some(consumer):
                silent_since = time.monotonic()
                progressed()

    async def _open(self, stack: AsyncExitStack) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers, auto_offset_reset="earliest"
        )
        stack.push_async_callback(_close, consumer)
        await consumer.start()
        if not self._positions:
            self._positions = dict.fromkeys(await self._partitions(consumer), 0)
        consumer.assign(list(self._positions))
        for partition, position in self._positions.items():
            consumer.seek(partition, position)
        return consumer

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        await consumer._client.force_metadata_update()
        return [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]

    async def _take_some(self, consumer: AIOKafkaConsumer) -> bool:
        batches = await consumer.getmany(timeout_ms=500)
        for partition, records in batches.items():
            for record in records:
                self._take(told_in(record.value))
                self._positions[partition] = record.offset + 1
        return bool(batches)

    def _take(self, told: Told) -> None:
        self.told.append(told)
        if told.state in ENDS:
            self.ended.add(told.document_id)


async def _close(consumer: AIOKafkaConsumer) -> None:
    """Bounded, and in a task of its own: with the broker away, stop() may hang or raise CancelledError."""
    closing = asyncio.create_task(consumer.stop())
    await asyncio.wait([closing], timeout=_CLOSE_SECONDS)
    if not closing.done():
        closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)


_NULL = msgspec.Raw(b"null")


class _Finding(msgspec.Struct):
    code: str


class _Result(msgspec.Struct):
    document_id: UUID
    sequence: int
    step: str
    state: str
    outcome: str
    at: datetime
    ksef_number: str | None = None
    findings: tuple[_Finding, ...] = ()
    upo: msgspec.Raw = _NULL


_decoder = msgspec.json.Decoder(_Result)


def told_in(value: bytes) -> Told:
    """A result as an ERP's own program would read it: by the published schema, with none of our models."""
    result = _decoder.decode(value)
    return Told(
        document_id=result.document_id,
        sequence=result.sequence,
        step=result.step,
        state=result.state,
        outcome=result.outcome,
        at=result.at.timestamp(),
        ksef_number=result.ksef_number,
        codes=tuple(finding.code for finding in result.findings),
        has_receipt=result.upo != _NULL,
    )
