"""The status events of a submission's steps. Pure: the same step gives the same event id."""

from collections.abc import Sequence
from datetime import datetime

from contracts import events
from contracts.envelope import caused
from contracts.findings import Finding
from contracts.sales import DocumentStatus, KsefProgress
from contracts.sales import State as Step
from runtime.records import Outbound, outbound
from services.sender.store import Submission
from services.sender.submission import State

STAGE = "sender"
_STEPS = {
    State.SENT: Step.SENT,
    State.ISSUED: Step.ISSUED,
    State.COMPLETED: Step.COMPLETED,
    State.REJECTED: Step.REJECTED,
    State.PARKED: Step.PARKED,
}


def announce(submission: Submission, *, at: datetime, findings: Sequence[Finding] = ()) -> list[Outbound]:
    """The event of the state a submission is in now; none for states that only we care about."""
    step = _STEPS.get(submission.state)
    if step is None:
        return []
    status = DocumentStatus(
        document=submission.document,
        stage=STAGE,
        state=step,
        at=at,
        facts=submission.facts,
        findings=tuple(findings),
        ksef=KsefProgress(
            session_reference=submission.session_reference,
            invoice_reference=submission.invoice_reference,
            status_code=submission.status_code,
            ksef_number=submission.ksef_number,
            acquired_at=submission.acquired_at,
            invoicing_mode=submission.invoicing_mode,
        ),
        upo=submission.upo,
        attempt=submission.attempt,
    )
    event = caused(
        stage=STAGE,
        cause=f"{submission.document.document_id}:{submission.state}:{submission.attempt}",
        index=0,
        type_=events.STATUS,
        subject=submission.document.document_id,
        at=at,
        data=status,
        traceparent=submission.traceparent,
    )
    return [outbound(event)]
