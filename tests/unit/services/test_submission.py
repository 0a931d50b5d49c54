"""The submission's state machine and what KSeF's words make of it."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

import ksef
from contracts.content import StoredContent
from contracts.sales import DocumentRef, InvoiceFacts
from services.sender.announce import announce
from services.sender.store import Submission
from services.sender.submission import TERMINAL, ImpossibleTransition, State, check_transition
from services.sender.verdicts import (
    Again,
    Contested,
    Settled,
    Wait,
    decide,
    entry_of,
    may_be_an_earlier_one,
)

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
SENT = Submission(
    document=DocumentRef(
        document_id=UUID(int=1), source="erp", erp_document_id="1", revision="1", accepted_at=AT
    ),
    context_key="Nip:7010000117",
    state=State.SENT,
    attempt=1,
    facts=InvoiceFacts(
        seller_nip="7010000117", kind="VAT", number="1", issued_on=AT.date(), currency="PLN", gross="1.23"
    ),
    xml=StoredContent(sha256="0" * 64, size_bytes=1, stored_on=AT.date()),
    invoice_hash="hash",
)


def status(code: int, **fields: object) -> ksef.InvoiceStatus:
    verdict = ksef.statuses.invoice_verdict(code, **fields)
    return ksef.InvoiceStatus(
        reference="E",
        ordinal=1,
        invoice_hash="hash",
        verdict=verdict,
        code=code,
        description="what KSeF says",
        details=("more",),
        invoice_number=None,
        invoicing_at=None,
        permanent_storage_at=None,
        mode="Online",
    )


def test_terminal_states_stay() -> None:
    followers = {(end, after) for end in TERMINAL for after in State if _may_follow(end, after)}

    assert followers == set()


def test_what_is_in_doubt_is_never_parked_rejected_or_issued_without_ksefs_answer() -> None:
    assert {after for after in State if _may_follow(State.IN_DOUBT, after)} == {State.SENT, State.READY}


def test_nothing_is_sent_but_what_is_ready() -> None:
    assert {before for before in State if _may_follow(before, State.SENDING)} == {State.READY}


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = {after for before in State for after in State if _may_follow(before, after)}

    assert reached == set(State)


@pytest.mark.parametrize("code", [100, 150, 199, 210])
def test_a_verdict_that_is_not_there_yet_is_waited_for(code: int) -> None:
    assert decide(SENT, status(code), max_attempts=5) == Wait()


@pytest.mark.parametrize(
    ("codes", "chosen"), [((550, 200), 200), ((200, 550), 200), ((550, 150), 150), ((550,), 550)]
)
def test_of_several_entries_with_the_same_bytes_the_best_one_answers(
    codes: tuple[int, ...], chosen: int
) -> None:
    accepted = {"ksef_number": "N", "acquired_at": AT}
    listed = [status(code, **(accepted if code == 200 else {})) for code in codes]
    in_doubt = replace(SENT, state=State.IN_DOUBT, invoice_reference=None)

    entry = entry_of(in_doubt, listed)

    assert entry is not None
    assert entry.code == chosen
    # Only a failed entry may be an earlier post's, while a later one is not listed yet.
    assert may_be_an_earlier_one(in_doubt, entry) is (chosen == 550)


def test_a_post_whose_reference_is_known_is_answered_by_that_entry_alone() -> None:
    sent = replace(SENT, invoice_reference="E-2")
    listed = [replace(status(550), reference="E-1"), replace(status(150), reference="E-2")]

    assert entry_of(sent, listed) == listed[1]
    assert entry_of(sent, listed[:1]) is None


def test_an_accepted_invoice_is_issued_with_its_number() -> None:
    decision = decide(SENT, status(200, ksef_number="K", acquired_at=AT), max_attempts=5)

    assert isinstance(decision, Settled)
    assert (decision.submission.state, decision.submission.ksef_number) == (State.ISSUED, "K")
    assert decision.findings == ()


@pytest.mark.parametrize(("code", "finding"), [(450, "S450"), (430, "S430"), (415, "S415"), (499, "S499")])
def test_a_refused_invoice_is_rejected_in_ksefs_own_words(code: int, finding: str) -> None:
    decision = decide(SENT, status(code), max_attempts=5)

    assert isinstance(decision, Settled)
    assert decision.submission.state is State.REJECTED
    assert [item.code for item in decision.findings] == [finding]
    assert "what KSeF says; more" in decision.findings[0].text


def test_a_missing_permission_is_rejected_and_says_what_to_grant() -> None:
    decision = decide(SENT, status(410), max_attempts=5)

    assert isinstance(decision, Settled)
    assert decision.submission.state is State.REJECTED
    assert "permission" in (decision.findings[0].next_step or "")


@pytest.mark.parametrize("code", [405, 435, 500, 550])
def test_an_attempt_that_ksef_itself_ended_is_made_again_a_bounded_number_of_times(code: int) -> None:
    again = decide(SENT, status(code), max_attempts=2)
    last = decide(SENT, status(code), max_attempts=1)

    assert isinstance(again, Again)
    assert again.submission.state is State.READY
    assert isinstance(last, Settled)
    assert last.submission.state is State.PARKED


def test_a_duplicate_is_contested_until_its_original_is_looked_at() -> None:
    extensions = {"originalKsefNumber": "K", "originalSessionReferenceNumber": "S"}

    decision = decide(SENT, status(440, extensions=extensions), max_attempts=5)

    assert decision == Contested(ksef.Duplicate("K", "S"))


def test_the_same_step_announces_the_same_event() -> None:
    first, second = (announce(SENT, at=AT) for _ in range(2))

    assert first == second
    assert len(first) == 1


def test_another_attempt_announces_another_event() -> None:
    again = announce(replace(SENT, attempt=2), at=AT)

    assert dict(again[0].headers)["ce_id"] != dict(announce(SENT, at=AT)[0].headers)["ce_id"]


@pytest.mark.parametrize("state", [State.READY, State.SENDING, State.IN_DOUBT])
def test_states_that_only_the_sender_cares_about_announce_nothing(state: State) -> None:
    assert announce(replace(SENT, state=state), at=AT) == []


def _may_follow(before: State, after: State) -> bool:
    try:
        check_transition(before, after)
    except ImpossibleTransition:
        return False
    return True
