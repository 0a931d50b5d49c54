"""How far sending has got, kept outside the database on a compacted topic.

Invariant: before the first request of a claim, Kafka has confirmed that claim's number. So whoever finds the
database's own count behind the topic's knows that KSeF may hold what this database has never heard of.

A process that was stopped between its claim and its word here may overwrite a later number; the next claim
puts that right, and until then only a restore in these very moments would go unnoticed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import ConsumerRecord

from contracts import events, ids
from contracts.envelope import Undecodable, caused, decode
from contracts.sending import ContextAdvanced
from runtime import log
from runtime.clock import Clock
from runtime.errors import CourierError
from runtime.latest import LatestRecords
from runtime.lease import Lease
from runtime.producer import Producer
from runtime.records import headers_as_text, outbound
from runtime.settings import KafkaSettings

logger = log.get(__name__)


class DatabaseBehind(CourierError):
    """The database knows fewer claims than were made: ``kept`` is what Kafka knows."""

    def __init__(self, kept: ContextAdvanced, *, known: int) -> None:
        super().__init__(
            f"the database knows {known} claims of {kept.context_key}, Kafka {kept.claims} ({kept.at:%F %T}):"
            " it is older than what was sent; nothing more is sent before KSeF has been asked"
        )
        self.kept = kept


class _Kept:
    """The furthest word heard about every context."""

    def __init__(self) -> None:
        self.by_key: dict[str, ContextAdvanced] = {}

    def hear(self, advanced: ContextAdvanced) -> None:
        known = self.by_key.get(advanced.context_key)
        if known is None or advanced.claims > known.claims:
            self.by_key[advanced.context_key] = advanced


class Watermark:
    """The topic, read by :func:`open_watermark`'s caller and written by whoever claims."""

    def __init__(self, settings: KafkaSettings, producer: Producer, *, clock: Clock) -> None:
        self._kept = _Kept()
        self._records = _follow(settings, self._kept)
        self._producer = producer
        self._clock = clock

    async def check(self, context_key: str, *, claims: int) -> None:
        """Raise :class:`DatabaseBehind` when more than ``claims`` were made. Asked after a take-over."""
        await self._records.read_to_end()
        kept = self._kept.by_key.get(context_key)
        if kept is not None and kept.claims > claims:
            raise DatabaseBehind(kept, known=claims)

    def refuse(self, context_key: str, claims: int) -> None:
        """Raise :class:`DatabaseBehind` when a claim of this number was made before."""
        kept = self._kept.by_key.get(context_key)
        if kept is not None and kept.claims >= claims:
            raise DatabaseBehind(kept, known=claims - 1)

    async def advance(self, lease: Lease, *, claims: int) -> None:
        """Keep that a claim was made; returns once Kafka has confirmed it. Raises :class:`DatabaseBehind`."""
        self.refuse(lease.key, claims)
        at = self._clock()
        advanced = ContextAdvanced(context_key=lease.key, claims=claims, fence=lease.fence, at=at)
        event = caused(
            stage="sender",
            cause=f"{lease.key}:{claims}",
            index=0,
            type_=events.ADVANCED,
            subject=ids.subject_id("context", lease.key),
            at=at,
            data=advanced,
            traceparent=None,
        )
        await self._producer.publish([outbound(event)])
        self._kept.hear(advanced)

    async def close(self) -> None:
        await self._records.close()


@asynccontextmanager
async def open_watermark(
    settings: KafkaSettings, producer: Producer, *, clock: Clock
) -> AsyncIterator[Watermark]:
    """The watermark for a process's life. Connects at the first question."""
    watermark = Watermark(settings, producer, clock=clock)
    try:
        yield watermark
    finally:
        await watermark.close()


async def kept_watermarks(settings: KafkaSettings) -> list[ContextAdvanced]:
    """What Kafka keeps of every context, by context."""
    kept = _Kept()
    records = _follow(settings, kept)
    try:
        await records.read_to_end()
    finally:
        await records.close()
    return [kept.by_key[key] for key in sorted(kept.by_key)]


def _follow(settings: KafkaSettings, kept: _Kept) -> LatestRecords:
    def on_record(record: ConsumerRecord) -> None:
        try:
            event = decode(headers_as_text(record.headers), record.value or b"")
        except Undecodable as error:
            logger.warning("watermark_unreadable", offset=record.offset, error=log.describe(error))
            return
        if isinstance(event.data, ContextAdvanced):
            kept.hear(event.data)

    return LatestRecords(
        settings, topic=events.ADVANCED, client_id="ksef-sender-watermark", on_record=on_record
    )
