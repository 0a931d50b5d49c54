"""What became of a document is said in words, in both languages: where it stands, why, what to do."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from cli.explaining import Language, locale_language
from cli.explanation import NOTHING_TO_DO, Case, explain
from contracts.findings import Finding
from contracts.sales import KsefProgress, State
from contracts.wording import Wording
from services.sender.pauses import Pause
from services.sender.recovery_store import Standing
from services.sender.submission import State as Sending
from services.sender.turn import Turn
from services.tracker.life import Life
from services.tracker.store import Document
from tests.support.flow import AT, facts, ref

CONTEXT = "Nip:7010000117"
READY = Turn(
    state=Sending.READY,
    context_key=CONTEXT,
    attempt=0,
    session_reference=None,
    not_before=None,
    in_hand=True,
    idle_until=None,
    rests_until=None,
    rests_because=None,
    ahead=0,
)
WRONG_RATE = Finding(
    code="C15",
    text="lines[0].rate is not a rate code: 24",
    text_pl="lines[0].rate nie jest kodem stawki: 24",
    next_step="Use a rate code of FA(3).",
    next_step_pl="Użyj kodu stawki z FA(3).",
    field="lines[0].rate",
    place="line 7",
)


def case(state: State | str, *, turn: Turn | None = None, **life: Any) -> Case:
    """A document in a state, without a timeline."""
    return Case(
        document=Document(ref(1), Life(state=str(state), sequence=1, facts=facts(), **life)),
        steps=(),
        turn=turn,
    )


def ready(**changes: Any) -> Case:
    return case(State.ADMITTED, turn=replace(READY, **changes))


def test_a_document_is_named_as_people_know_it() -> None:
    assert explain(case(State.ACCEPTED)).about == Wording(
        "Invoice FV/1 (VAT, 12.30 PLN) of company 7010000117: document erp/1, revision 1 "
        "(id 00000000-0000-0000-0000-000000000001)",
        "Faktura FV/1 (VAT, 12.30 PLN) firmy 7010000117: dokument erp/1, rewizja 1 "
        "(id 00000000-0000-0000-0000-000000000001)",
    )


def test_a_document_that_nobody_could_read_is_named_by_the_erps_id() -> None:
    unread = case(State.REFUSED)
    unread = replace(unread, document=Document(unread.document.ref, Life(state="refused")))

    assert explain(unread).about.en == (
        "Document erp/1, revision 1 (id 00000000-0000-0000-0000-000000000001)"
    )


@pytest.mark.parametrize(
    ("state", "stands", "stands_pl"),
    [
        (
            State.ACCEPTED,
            "We have taken it over; it is to be written as FA(3).",
            "Dokument został przyjęty; ma być zapisany jako FA(3).",
        ),
        (
            State.MAPPED,
            "It is written as FA(3) and is to be checked.",
            "Dokument jest zapisany jako FA(3) i ma być sprawdzony.",
        ),
        (
            State.ADMITTED,
            "It is valid and its number is reserved; the sender has not taken it over yet.",
            "Dokument jest poprawny, numer zarezerwowany; moduł wysyłki jeszcze go nie przejął.",
        ),
        (
            State.ISSUED,
            "It is issued: KSeF gave it the number K-1. Its receipt (UPO) is being fetched.",
            "Faktura jest wystawiona: KSeF nadał jej numer K-1. Trwa pobieranie UPO.",
        ),
        (
            State.COMPLETED,
            "It is issued: KSeF gave it the number K-1. Its receipt (UPO) is stored.",
            "Faktura jest wystawiona: KSeF nadał jej numer K-1. UPO jest zapisane.",
        ),
        (State.REFUSED, "We refused it: it was not sent to KSeF.", "Odmowa: dokumentu nie wysłano do KSeF."),
        (
            State.REJECTED,
            "KSeF rejected it: the invoice is not issued, its number is free.",
            "KSeF odrzucił fakturę: nie została wystawiona, jej numer jest wolny.",
        ),
        (
            State.PARKED,
            "It is set aside: a person must decide.",
            "Dokument jest odłożony: musi zdecydować człowiek.",
        ),
        ("archived", "Its state is archived.", "Stan dokumentu: archived."),
    ],
)
def test_each_state_is_told_in_a_sentence(state: State | str, stands: str, stands_pl: str) -> None:
    told = explain(case(state, ksef=KsefProgress(ksef_number="K-1")))

    assert told.stands == Wording(stands, stands_pl)


def test_a_refusal_comes_with_its_reasons_and_what_to_do() -> None:
    told = explain(case(State.REFUSED, findings=(WRONG_RATE, WRONG_RATE)))

    assert told.because[0] == Wording(
        "C15: lines[0].rate is not a rate code: 24 (lines[0].rate, line 7)",
        "C15: lines[0].rate nie jest kodem stawki: 24 (lines[0].rate, line 7)",
    )
    assert told.next_steps == (Wording("Use a rate code of FA(3).", "Użyj kodu stawki z FA(3)."),)


def test_an_issued_document_needs_nothing() -> None:
    assert explain(case(State.COMPLETED)).next_steps == (NOTHING_TO_DO,)


def test_who_waits_is_told_for_whom() -> None:
    waiting = case(State.WAITING, waits_for=UUID(int=2))
    holder = Document(ref(2), Life(state="sent"))

    told = explain(replace(waiting, holder=holder))

    assert told.because == (
        Wording(
            "It waits for document erp/2 (id 00000000-0000-0000-0000-000000000002), which is sent. If that "
            "one is issued, this one is refused; if that one is refused or rejected, this one goes on.",
            "Czeka na dokument erp/2 (id 00000000-0000-0000-0000-000000000002), stan: sent. Jeśli tamten "
            "zostanie wystawiony, ten spotka odmowa; jeśli tamten zostanie odrzucony, ten ruszy dalej.",
        ),
    )
    assert told.next_steps[0].en == (
        "Ask about the other one: ksef-courier explain 00000000-0000-0000-0000-000000000002"
    )


@pytest.mark.parametrize(
    ("scope", "what", "what_pl", "command"),
    [
        ("all", "of everything", "wszystkiego", "resume --reason"),
        (
            f"context:{CONTEXT}",
            f"for context {CONTEXT}",
            f"kontekstu {CONTEXT}",
            f"resume {CONTEXT} --reason",
        ),
        ("company:7010000117", "for company 7010000117", "firmy 7010000117", "resume 7010000117 --reason"),
    ],
)
def test_a_stop_is_told_with_who_made_it_and_why(scope: str, what: str, what_pl: str, command: str) -> None:
    stop = Pause(scope=scope, paused_at=AT, paused_by="anna", reason="wrong prices")

    told = explain(replace(ready(), pauses=[stop]))

    assert told.because == (
        Wording(
            f"Sending {what} was paused by anna at 2026-11-02 09:00:00Z: wrong prices",
            f"Wysyłkę {what_pl} wstrzymał(a) anna o 2026-11-02 09:00:00Z: wrong prices",
        ),
    )
    assert f"ksef-courier {command}" in told.next_steps[0].en


@pytest.mark.parametrize("scope", ["company:7020000225", "context:Nip:7020000225"])
def test_a_stop_of_others_is_not_told(scope: str) -> None:
    stop = Pause(scope=scope, paused_at=AT, paused_by="anna", reason=None)

    assert explain(replace(ready(), pauses=[stop])).because == ()


def test_a_stop_does_not_hold_what_ksef_has_already() -> None:
    stop = Pause(scope="all", paused_at=AT, paused_by="anna", reason=None)
    sent = case(State.SENT, turn=replace(READY, state=Sending.SENT, session_reference="S-1"))

    told = explain(replace(sent, pauses=[stop]))

    assert told.stands.en == "KSeF has it and is checking it; its answer is awaited."
    assert told.because == (Wording("KSeF session S-1.", "Sesja KSeF S-1."),)


@pytest.mark.parametrize(
    ("standing", "left", "left_pl"),
    [
        (
            Standing(CONTEXT, AT, 0),
            "the sessions since 2026-11-02 09:00:00Z are still to be listed",
            "do odczytania są sesje od 2026-11-02 09:00:00Z",
        ),
        (Standing(CONTEXT, None, 3), "3 sessions are left", "pozostało sesji: 3"),
    ],
)
def test_a_lookup_after_a_restore_is_told(standing: Standing, left: str, left_pl: str) -> None:
    told = explain(replace(ready(), recovering=[standing, Standing("Nip:7020000225", AT, 1)]))

    assert told.because == (
        Wording(
            "The database was restored, so what KSeF holds already is being looked up before anything is "
            f"sent: {left}.",
            f"Baza została odtworzona, więc przed wysyłką sprawdzamy, co KSeF już ma: {left_pl}.",
        ),
    )


RESTS = (
    "The sender rests with this context until 2026-11-02 09:01:00Z, as it does after a failure; its log says "
    "why."
)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, []),
        ({"ahead": 7}, ["Documents of this context that go first: 7."]),
        (
            {"rests_until": AT, "rests_because": "limit reached"},
            ["KSeF takes nothing more for this context until 2026-11-02 09:00:00Z: limit reached"],
        ),
        (
            {"attempt": 2, "not_before": AT},
            [
                "KSeF failed to process it so far (attempts: 2); it is sent again as it is.",
                "It is left alone until 2026-11-02 09:00:00Z.",
            ],
        ),
        (
            {"in_hand": False, "idle_until": AT + timedelta(minutes=1)},
            [RESTS],
        ),
        (
            {"in_hand": False},
            ["No sender has this context in hand now. If that lasts, is one running? ksef-courier doctor"],
        ),
    ],
)
def test_what_is_ready_is_told_why_it_is_not_sent(changes: dict[str, Any], reasons: list[str]) -> None:
    told = explain(ready(**changes))

    assert told.stands.en == "It is valid, its number is reserved; it waits to be sent for Nip:7010000117."
    assert [one.en for one in told.because] == reasons


PROOF = "Its session is closed and KSeF's list of it is read; nothing is sent again before that."


@pytest.mark.parametrize(
    ("state", "in_hand", "stands", "because"),
    [
        (Sending.SENDING, True, "It is being sent to KSeF now.", []),
        (
            Sending.SENDING,
            False,
            "It was being sent when its sender ended, so KSeF may have it.",
            [PROOF],
        ),
        (Sending.IN_DOUBT, True, "The answer of KSeF was lost, so KSeF may have it.", [PROOF]),
    ],
)
def test_doubt_is_told_with_how_it_ends(
    state: Sending, in_hand: bool, stands: str, because: list[str]
) -> None:
    told = explain(ready(state=state, in_hand=in_hand))

    assert (told.stands.en, [one.en for one in told.because]) == (stands, because)


def test_what_happened_is_told_with_times() -> None:
    steps = [
        {"state": "accepted", "stage": "intake", "at": AT, "status": {}},
        {"state": "archived", "stage": "tomorrow", "at": AT + timedelta(seconds=1), "status": {}},
    ]

    told = explain(replace(case(State.ACCEPTED), steps=steps))

    assert told.history == (
        Wording("2026-11-02 09:00:00Z  taken over (intake)", "2026-11-02 09:00:00Z  przyjęty (intake)"),
        Wording("2026-11-02 09:00:01Z  archived (tomorrow)", "2026-11-02 09:00:01Z  archived (tomorrow)"),
    )


def test_a_revision_that_was_published_twice_is_told() -> None:
    reused = Finding(
        code="I08",
        text="other bytes",
        text_pl="inna treść",
        next_step="a new revision",
        next_step_pl="nowa rewizja",
    )
    status = {"findings": [reused.model_dump()]}
    step = {"state": "revision-reused", "stage": "intake", "at": AT, "status": status}

    told = explain(replace(case(State.COMPLETED), steps=[step]))

    assert told.because == (Wording("I08: other bytes", "I08: inna treść"),)
    assert told.next_steps == (Wording("a new revision", "nowa rewizja"),)


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, Language.EN),
        ({"LANG": "pl_PL.UTF-8"}, Language.PL),
        ({"LANG": "pl_PL.UTF-8", "LC_ALL": "C.UTF-8"}, Language.EN),
        ({"LC_MESSAGES": "pl", "LANG": "en_GB.UTF-8"}, Language.PL),
    ],
)
def test_the_language_is_that_of_the_locale(variables: dict[str, str], language: Language) -> None:
    assert locale_language(variables.get) is language
