"""One document's life as a value, and what a step makes of it. Pure.

Steps may come late or out of order (they are published by different processes), so a step moves the state
only forward; what is known about the document is kept either way.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from contracts.content import Content
from contracts.findings import Finding
from contracts.sales import DocumentStatus, InvoiceFacts, KsefProgress, Origin, Outcome, State

# The order of a life. A state that this version does not know ranks with nothing and moves nothing.
RANK: dict[str, int] = {
    State.ACCEPTED: 10,
    State.MAPPED: 20,
    State.WAITING: 30,
    State.ADMITTED: 40,
    State.SENT: 50,
    State.PARKED: 60,
    State.REFUSED: 70,
    State.REJECTED: 70,
    State.ISSUED: 80,
    State.COMPLETED: 90,
}
_OUTCOMES: dict[str, Outcome] = {
    State.PARKED: Outcome.NEEDS_ATTENTION,
    State.REFUSED: Outcome.REFUSED,
    State.REJECTED: Outcome.REJECTED,
    State.ISSUED: Outcome.ISSUED,
    State.COMPLETED: Outcome.ISSUED,
}


@dataclass(frozen=True, slots=True)
class Life:
    """Where a document stands after ``sequence`` steps."""

    state: str = ""
    outcome: Outcome = Outcome.PENDING
    sequence: int = 0
    facts: InvoiceFacts | None = None
    origin: Origin | None = None
    ksef: KsefProgress | None = None
    upo: Content | None = None
    findings: tuple[Finding, ...] = ()
    waits_for: UUID | None = None
    trace_id: str | None = None


def after(life: Life, step: DocumentStatus, *, trace_id: str | None) -> Life:
    """The life after one more step."""
    known = replace(
        life,
        sequence=life.sequence + 1,
        facts=step.facts or life.facts,
        origin=life.origin or step.origin,
        ksef=_merged(life.ksef, step.ksef),
        upo=step.upo or life.upo,
        trace_id=life.trace_id or trace_id,
    )
    if RANK.get(step.state, -1) < RANK.get(life.state, 0):
        return known
    return replace(
        known,
        state=str(step.state),
        outcome=_OUTCOMES.get(step.state, Outcome.PENDING),
        findings=step.findings,
        waits_for=step.waits_for,
    )


def _merged(before: KsefProgress | None, now: KsefProgress | None) -> KsefProgress | None:
    """What KSeF said, the newer word counting, nothing forgotten."""
    if before is None or now is None:
        return now or before
    return before.model_copy(update=now.model_dump(exclude_none=True))
