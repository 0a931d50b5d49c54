"""Status events → numbered steps → results for the ERP. One transaction per batch."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts import events
from contracts.base import Message
from contracts.content import INLINE_LIMIT_BYTES, Content, inline
from contracts.envelope import Event, Undecodable, caused, decode
from contracts.results import DocumentResult
from contracts.sales import DocumentRef, DocumentStatus, State
from runtime.db import Database
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from runtime.records import Done, Inbound, Outbound, Outcome, outbound, unread
from runtime.tracing import Tracing, trace_id_of
from services.tracker import metrics, store
from services.tracker.life import Life, after

STAGE = "tracker"


class Tracker:
    """The stage's handler."""

    def __init__(
        self, *, database: Database, payloads: PayloadStore, outbox: Outbox, tracing: Tracing
    ) -> None:
        self._database = database
        self._payloads = payloads
        self._outbox = outbox
        self._tracing = tracing

    async def __call__(self, batch: Sequence[Inbound]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = [Done()] * len(batch)
        told: dict[UUID, tuple[Event[Message], DocumentStatus]] = {}
        for position, record in enumerate(batch):
            try:
                event = decode(record.headers, record.value)
            except Undecodable as error:
                outcomes[position] = unread(error)
                continue
            if isinstance(event.data, DocumentStatus):
                # A step that stands twice in one batch is one step.
                told.setdefault(event.id, (event, event.data))
        if told:
            await self._record(told)
        return outcomes

    async def _record(self, told: Mapping[UUID, tuple[Event[Message], DocumentStatus]]) -> None:
        receipts = {event_id: await self._receipt(status) for event_id, (_, status) in told.items()}
        refs = {status.document.document_id: status.document for _, status in told.values()}
        async with self._database.transaction() as connection:
            lives = await store.lock(connection, [refs[key] for key in sorted(refs)])
            seen = await store.seen(connection, {key: status for key, (_, status) in told.items()})
            steps: list[store.Step] = []
            published: list[Outbound] = []
            for event_id, (event, status) in told.items():
                if event_id in seen:
                    metrics.STEPS.labels(metrics.REPEATED).inc()
                    continue
                document_id = status.document.document_id
                trace_id = trace_id_of(event.traceparent)
                life = lives[document_id] = after(lives[document_id], status, trace_id=trace_id)
                steps.append(store.Step(event_id, life.sequence, status))
                with self._tracing.span("report", event.traceparent, attributes={"state": status.state}):
                    published.append(_result(event, status, life, receipts[event_id]))
                _observe(status)
            if steps:
                changed = {step.status.document.document_id: step.status.document for step in steps}
                await store.add(connection, steps)
                await store.update(connection, [(ref, lives[key]) for key, ref in changed.items()])
                await self._outbox.put(connection, published)
        self._outbox.wake()

    async def _receipt(self, status: DocumentStatus) -> Content | None:
        """The UPO as the ERP gets it: by value, unless it is unusually large."""
        if status.upo is None or status.upo.size_bytes > INLINE_LIMIT_BYTES:
            return status.upo
        return inline(await self._payloads.read(status.upo))


def _result(event: Event[Message], status: DocumentStatus, life: Life, receipt: Content | None) -> Outbound:
    ref: DocumentRef = status.document
    result = DocumentResult(
        document_id=ref.document_id,
        source=ref.source,
        erp_document_id=ref.erp_document_id,
        revision=ref.revision,
        company_nip=ref.company_nip,
        sequence=life.sequence,
        step=status.state,
        state=life.state,
        outcome=life.outcome,
        at=status.at,
        accepted_at=ref.accepted_at,
        origin=life.origin,
        invoice=life.facts,
        ksef_number=life.ksef and life.ksef.ksef_number,
        ksef_acquired_at=life.ksef and life.ksef.acquired_at,
        ksef=life.ksef,
        upo=receipt,
        findings=status.findings,
        waits_for=status.waits_for,
        trace_id=life.trace_id,
    )
    caused_by = caused(
        stage=STAGE,
        cause=str(event.id),
        index=0,
        type_=events.RESULT,
        subject=ref.document_id,
        at=status.at,
        data=result,
        traceparent=event.traceparent,
    )
    return outbound(caused_by, topic=events.results_topic(ref.source))


def _observe(status: DocumentStatus) -> None:
    known = isinstance(status.state, State)
    metrics.STEPS.labels(str(status.state) if known else metrics.UNKNOWN).inc()
    if status.state is State.ISSUED:
        metrics.TIME_TO_NUMBER.observe(max(0.0, (status.at - status.document.accepted_at).total_seconds()))
