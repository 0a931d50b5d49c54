"""One step of a document's life as the ERP reads it. Pure: the same step gives the same bytes."""

from uuid import UUID

from contracts import events
from contracts.content import Content
from contracts.envelope import caused
from contracts.results import DocumentResult
from contracts.sales import DocumentRef, DocumentStatus
from runtime.records import Outbound, outbound
from services.tracker.life import Life

STAGE = "tracker"


def result_of(
    status: DocumentStatus, life: Life, *, cause: UUID, traceparent: str | None, receipt: Content | None
) -> Outbound:
    """The result of a step: ``life`` as it stands after it, ``cause`` the id of the event that told it."""
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
    event = caused(
        stage=STAGE,
        cause=str(cause),
        index=0,
        type_=events.RESULT,
        subject=ref.document_id,
        at=status.at,
        data=result,
        traceparent=traceparent,
    )
    return outbound(event, topic=events.results_topic(ref.source))
