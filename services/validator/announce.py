"""The events of a verdict. Pure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from contracts import events
from contracts.base import Message
from contracts.envelope import caused
from contracts.findings import Finding
from contracts.sales import DocumentAdmitted, DocumentRef, DocumentStatus, InvoiceFacts, State
from runtime.records import Outbound, outbound
from services.validator import metrics
from services.validator.admission import Admitted, Refused, Verdict, Waiting

STAGE = "validator"
# The events of one cause keep these places for ever: they are part of the event ids.
_ADMITTED_EVENT, _ADMITTED_STATUS, _REFUSED_STATUS, _WAITING_STATUS = range(4)


def announce(
    verdict: Verdict,
    *,
    cause: str,
    document: DocumentRef,
    facts: InvoiceFacts,
    admitted: DocumentAdmitted | None,
    warnings: Sequence[Finding],
    traceparent: str | None,
    at: datetime,
) -> list[Outbound]:
    """The events of a verdict."""

    def event(index: int, type_: str, data: Message) -> Outbound:
        return outbound(
            caused(
                stage=STAGE,
                cause=cause,
                index=index,
                type_=type_,
                subject=document.document_id,
                at=at,
                data=data,
                traceparent=traceparent,
            )
        )

    def status(state: State, findings: Sequence[Finding], waits_for: UUID | None = None) -> DocumentStatus:
        return DocumentStatus(
            document=document,
            stage=STAGE,
            state=state,
            at=at,
            facts=facts,
            findings=tuple(findings),
            waits_for=waits_for,
        )

    match verdict:
        case Admitted():
            metrics.VERDICTS.labels("admitted").inc()
            assert admitted is not None  # noqa: S101  what is admitted was stored
            return [
                event(_ADMITTED_EVENT, events.ADMITTED, admitted),
                event(_ADMITTED_STATUS, events.STATUS, status(State.ADMITTED, warnings)),
            ]
        case Waiting(holder=holder):
            metrics.VERDICTS.labels("waiting").inc()
            return [event(_WAITING_STATUS, events.STATUS, status(State.WAITING, warnings, holder))]
        case Refused(findings=findings):
            metrics.VERDICTS.labels("refused").inc()
            return [event(_REFUSED_STATUS, events.STATUS, status(State.REFUSED, findings))]
