"""Status events → numbered steps → results for the ERP. One transaction per batch."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.base import Message
from contracts.content import Content
from contracts.envelope import Event, Undecodable, decode
from contracts.sales import DocumentStatus, State
from runtime.db import Database
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from runtime.records import Done, Inbound, Outbound, Outcome, Retry, unread
from runtime.tracing import Tracing, trace_id_of
from services.tracker import metrics, store
from services.tracker.life import after
from services.tracker.receipts import ReceiptNotThere, receipt_of
from services.tracker.results import result_of

RECEIPT_SECONDS = 5.0


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
        receipts: dict[UUID, Content | None] = {}
        waiting: set[tuple[str, int]] = set()
        for position, record in enumerate(batch):
            if (record.topic, record.partition) in waiting:
                continue  # the stage holds back what stands behind a record that waits
            try:
                event = decode(record.headers, record.value)
            except Undecodable as error:
                outcomes[position] = unread(error)
                continue
            if not isinstance(event.data, DocumentStatus):
                continue
            try:
                receipts[event.id] = await receipt_of(event.data.upo, self._payloads, told_at=event.at)
            except ReceiptNotThere as error:
                # After a restore: the sender stores it again when KSeF has given it again.
                outcomes[position] = Retry(RECEIPT_SECONDS, str(error))
                waiting.add((record.topic, record.partition))
                continue
            # A step that stands twice in one batch is one step.
            told.setdefault(event.id, (event, event.data))
        if told:
            await self._record(told, receipts)
        return outcomes

    async def _record(
        self,
        told: Mapping[UUID, tuple[Event[Message], DocumentStatus]],
        receipts: Mapping[UUID, Content | None],
    ) -> None:
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
                steps.append(store.Step(event_id, life.sequence, event.traceparent, status))
                with self._tracing.span("report", event.traceparent, attributes={"state": status.state}):
                    result = result_of(
                        status,
                        life,
                        cause=event_id,
                        traceparent=event.traceparent,
                        receipt=receipts[event_id],
                    )
                    published.append(result)
                _observe(status)
            if steps:
                changed = {step.status.document.document_id: step.status.document for step in steps}
                await store.add(connection, steps)
                await store.update(connection, [(ref, lives[key]) for key, ref in changed.items()])
                await self._outbox.put(connection, published)
        self._outbox.wake()


def _observe(status: DocumentStatus) -> None:
    known = isinstance(status.state, State)
    metrics.STEPS.labels(str(status.state) if known else metrics.UNKNOWN).inc()
    if status.state is State.ISSUED:
        metrics.TIME_TO_NUMBER.observe(max(0.0, (status.at - status.document.accepted_at).total_seconds()))
