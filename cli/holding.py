"""Why a document that was found valid has no KSeF number yet: who or what holds it back. Pure.

Invariant: a stop is named only where it does stop: what KSeF has already is held back by nobody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cli.moments import shown
from contracts.wording import Wording
from services.sender.pauses import ALL, Pause, scope_of
from services.sender.recovery_store import Standing
from services.sender.submission import State
from services.sender.turn import Turn


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a document stands, why, and what to do about it."""

    stands: Wording
    because: tuple[Wording, ...] = ()
    next_steps: tuple[Wording, ...] = ()


def holds(
    turn: Turn | None, *, company: str | None, pauses: Sequence[Pause], recovering: Sequence[Standing]
) -> Stand:
    """Where an admitted document stands with the sender."""
    if turn is None:
        return Stand(
            Wording(
                "It is valid and its number is reserved; the sender has not taken it over yet.",
                "Dokument jest poprawny, numer zarezerwowany; moduł wysyłki jeszcze go nie przejął.",
            )
        )
    match turn.state:
        case State.READY:
            return _ready(turn, company=company, pauses=pauses, recovering=recovering)
        case State.SENDING:
            return _sending(turn)
        case State.IN_DOUBT:
            return _in_doubt(turn)
        case _:
            return Stand(
                Wording(
                    "KSeF has it and is checking it; its answer is awaited.",
                    "Dokument jest w KSeF i jest tam sprawdzany; czekamy na odpowiedź.",
                ),
                _session(turn),
            )


def _ready(
    turn: Turn, *, company: str | None, pauses: Sequence[Pause], recovering: Sequence[Standing]
) -> Stand:
    stands = Wording(
        f"It is valid, its number is reserved; it waits to be sent for {turn.context_key}.",
        f"Dokument jest poprawny, numer zarezerwowany; czeka na wysłanie w kontekście {turn.context_key}.",
    )
    scopes = {ALL, scope_of(context=turn.context_key), scope_of(company=company or "")}
    stops = [stop for stop in pauses if stop.scope in scopes]
    lookups = [standing for standing in recovering if standing.context_key == turn.context_key]
    if stops or lookups:
        because = (*map(_stopped, stops), *map(_looked_up, lookups))
        return Stand(stands, because, (*map(_resume, stops), *map(_await_lookup, lookups)))
    return Stand(stands, tuple(_line(turn)))


def _stopped(stop: Pause) -> Wording:
    what, what_pl = _scope(stop.scope)
    reason = f": {stop.reason}" if stop.reason else ""
    at = shown(stop.paused_at)
    return Wording(
        f"Sending {what} was paused by {stop.paused_by} at {at}{reason}",
        f"Wysyłkę {what_pl} wstrzymał(a) {stop.paused_by} o {at}{reason}",
    )


def _resume(stop: Pause) -> Wording:
    kind, _, target = stop.scope.partition(":")
    command = f"ksef-courier resume {'' if kind == ALL else target + ' '}--reason …"
    return Wording(f"When sending may go on: {command}", f"Gdy wysyłka może ruszyć: {command}")


def _scope(scope: str) -> tuple[str, str]:
    kind, _, target = scope.partition(":")
    match kind:
        case "company":
            return f"for company {target}", f"firmy {target}"
        case "context":
            return f"for context {target}", f"kontekstu {target}"
        case _:
            return "of everything", "wszystkiego"


def _looked_up(standing: Standing) -> Wording:
    if standing.recover_since is not None:
        since = shown(standing.recover_since)
        left = Wording(
            f"the sessions since {since} are still to be listed", f"do odczytania są sesje od {since}"
        )
    else:
        left = Wording(f"{standing.sessions} sessions are left", f"pozostało sesji: {standing.sessions}")
    return Wording(
        "The database was restored, so what KSeF holds already is being looked up before anything is sent: "
        f"{left.en}.",
        f"Baza została odtworzona, więc przed wysyłką sprawdzamy, co KSeF już ma: {left.pl}.",
    )


def _await_lookup(_standing: Standing) -> Wording:
    return Wording(
        "The sender does that by itself; how far it is: ksef-courier status",
        "Moduł wysyłki robi to sam; postęp pokazuje: ksef-courier status",
    )


def _line(turn: Turn) -> Iterator[Wording]:
    if turn.attempt:
        yield Wording(
            f"KSeF failed to process it so far (attempts: {turn.attempt}); it is sent again as it is.",
            f"KSeF dotąd go nie przetworzył (prób: {turn.attempt}); zostanie wysłany ponownie, bez zmian.",
        )
    if turn.rests_until is not None:
        at, because = shown(turn.rests_until), turn.rests_because or ""
        yield Wording(
            f"KSeF takes nothing more for this context until {at}: {because}",
            f"KSeF nie przyjmuje nic w tym kontekście do {at}: {because}",
        )
    if turn.not_before is not None:
        at = shown(turn.not_before)
        yield Wording(f"It is left alone until {at}.", f"Następna próba nie wcześniej niż {at}.")
    if turn.idle_until is not None:
        at = shown(turn.idle_until)
        yield Wording(
            f"The sender rests with this context until {at}, as it does after a failure; its log says why.",
            f"Moduł wysyłki wstrzymał ten kontekst do {at}, jak po awarii; powód jest w jego logu.",
        )
    elif not turn.in_hand:
        yield Wording(
            "No sender has this context in hand now. If that lasts, is one running? ksef-courier doctor",
            "Żaden moduł wysyłki nie obsługuje teraz tego kontekstu. Jeśli to trwa: ksef-courier doctor",
        )
    if turn.ahead:
        yield Wording(
            f"Documents of this context that go first: {turn.ahead}.",
            f"Dokumenty tego kontekstu, które idą wcześniej: {turn.ahead}.",
        )


def _sending(turn: Turn) -> Stand:
    if turn.in_hand:
        return Stand(
            Wording("It is being sent to KSeF now.", "Dokument jest właśnie wysyłany do KSeF."),
            _session(turn),
        )
    return Stand(
        Wording(
            "It was being sent when its sender ended, so KSeF may have it.",
            "Moduł wysyłki zakończył się w trakcie wysyłania, więc KSeF może mieć ten dokument.",
        ),
        (_PROOF, *_session(turn)),
    )


_PROOF = Wording(
    "Its session is closed and KSeF's list of it is read; nothing is sent again before that.",
    "Sesja zostanie zamknięta, a jej lista z KSeF odczytana; wcześniej nic nie zostanie wysłane ponownie.",
)


def _in_doubt(turn: Turn) -> Stand:
    return Stand(
        Wording(
            "The answer of KSeF was lost, so KSeF may have it.",
            "Odpowiedź KSeF przepadła, więc KSeF może mieć ten dokument.",
        ),
        (_PROOF, *_session(turn)),
    )


def _session(turn: Turn) -> tuple[Wording, ...]:
    if turn.session_reference is None:
        return ()
    return (Wording(f"KSeF session {turn.session_reference}.", f"Sesja KSeF {turn.session_reference}."),)
