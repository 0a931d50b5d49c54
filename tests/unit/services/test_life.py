"""A document's life: forward only, nothing forgotten."""

from datetime import UTC, datetime
from uuid import UUID

from contracts.findings import Finding
from contracts.sales import DocumentRef, DocumentStatus, KsefProgress, Origin, Outcome, State
from services.tracker.life import Life, after

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
REF = DocumentRef(document_id=UUID(int=1), source="erp", erp_document_id="1", revision="1", accepted_at=AT)


def step(state: State | str, **more: object) -> DocumentStatus:
    return DocumentStatus(document=REF, stage="test", state=state, at=AT, **more)


def life_of(*states: State | str) -> Life:
    life = Life()
    for state in states:
        life = after(life, step(state), trace_id=None)
    return life


def test_steps_are_counted_from_one() -> None:
    assert life_of(State.ACCEPTED, State.MAPPED).sequence == 2


def test_a_late_step_is_counted_and_does_not_turn_the_state_back() -> None:
    life = life_of(State.ACCEPTED, State.ISSUED, State.SENT)

    assert life.state == State.ISSUED
    assert life.outcome is Outcome.ISSUED
    assert life.sequence == 3


def test_each_end_has_its_outcome() -> None:
    ends = {state: life_of(State.ACCEPTED, state).outcome for state in State}

    assert ends[State.COMPLETED] is Outcome.ISSUED
    assert ends[State.REFUSED] is Outcome.REFUSED
    assert ends[State.REJECTED] is Outcome.REJECTED
    assert ends[State.PARKED] is Outcome.NEEDS_ATTENTION
    assert ends[State.WAITING] is Outcome.PENDING


def test_a_reused_revision_is_told_and_changes_nothing() -> None:
    life = life_of(State.ACCEPTED, State.COMPLETED, State.REVISION_REUSED)

    assert life.state == State.COMPLETED
    assert life.sequence == 3


def test_a_step_that_this_version_does_not_know_changes_nothing() -> None:
    life = life_of(State.ACCEPTED, "invented-tomorrow")

    assert life.state == State.ACCEPTED
    assert life.sequence == 2


def test_what_ksef_said_first_is_kept_when_it_says_more() -> None:
    life = after(Life(), step(State.SENT, ksef=KsefProgress(session_reference="S")), trace_id=None)
    life = after(life, step(State.ISSUED, ksef=KsefProgress(ksef_number="K")), trace_id=None)

    assert life.ksef == KsefProgress(session_reference="S", ksef_number="K")


def test_a_wait_is_over_when_the_document_is_admitted() -> None:
    waiting = after(Life(), step(State.WAITING, waits_for=UUID(int=2)), trace_id=None)

    assert waiting.waits_for == UUID(int=2)
    assert after(waiting, step(State.ADMITTED), trace_id=None).waits_for is None


def test_the_first_origin_and_trace_stay() -> None:
    first, second = (Origin(topic="t", partition=0, offset=offset) for offset in (1, 2))
    life = after(Life(), step(State.ACCEPTED, origin=first), trace_id="a")
    life = after(life, step(State.ACCEPTED, origin=second), trace_id="b")

    assert (life.origin, life.trace_id) == (first, "a")


def test_findings_are_those_of_the_step_that_made_the_state() -> None:
    finding = Finding(code="K04", text="wrong")
    life = after(Life(), step(State.REFUSED, findings=(finding,)), trace_id=None)

    assert after(life, step(State.MAPPED), trace_id=None).findings == (finding,)
