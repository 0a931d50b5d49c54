"""Online sessions: opening, closing, their state.

Nothing happens in the background: what a session shows follows from its row, its invoices and the clock.
"""

from dataclasses import dataclass
from datetime import datetime

from simulator.crypto.files import AES_KEY_BYTES, IV_BYTES
from simulator.operations.access import chosen_key
from simulator.operations.call import Call, check_may_change, check_may_see
from simulator.protocol.errors import (
    SESSION_STATE_FORBIDS,
    UNKNOWN_SESSION,
    BadRequest,
    invalid_input,
)
from simulator.protocol.identifiers import new_reference
from simulator.protocol.reading import Fields, read_json
from simulator.protocol.statuses import SESSION, status
from simulator.protocol.times import timestamp
from simulator.store.rows import Session, Tally
from simulator.wire import Response, empty_response, json_response

FORM = ("FA (3)", "1-0E", "FA")
IDENTIFIER_VALIDATION = "subject-identifier-validation"


@dataclass(frozen=True, slots=True)
class State:
    """What a session shows at one moment."""

    code: int
    details: tuple[str, ...]
    updated_at: datetime
    closed_at: datetime | None
    tally: Tally


def open_online_session(call: Call) -> Response:
    fields = read_json(call.request)
    _check_form(fields.fields("formCode"))
    encryption = fields.fields("encryption")
    encrypted_key = encryption.base64("encryptedSymmetricKey")
    iv = encryption.base64("initializationVector", decoded_length=IV_BYTES)
    key = chosen_key(call, encryption, "SymmetricKeyEncryption").decrypt(encrypted_key)
    delays = call.site.controls.delays
    login = call.store.login(call.caller.login)
    session = Session(
        reference=new_reference("SO", now=call.now, rng=call.rng),
        context=call.caller.context,
        subject=call.caller.subject,
        token_reference="" if login is None else login.token_reference or "",
        key=key if key is not None and len(key) == AES_KEY_BYTES else None,
        iv=iv,
        opened_at=call.now,
        valid_until=call.now + call.site.policy.session_lasts,
        key_judged_at=call.now + delays.key_check.draw(call.rng),
        closing_takes=delays.closing.draw(call.rng),
        checks_identifiers=call.request.header("x-ksef-feature") == IDENTIFIER_VALIDATION,
    )
    call.store.add_session(session)
    content = {"referenceNumber": session.reference, "validUntil": timestamp(session.valid_until)}
    return json_response(201, content)


def close_online_session(call: Call) -> Response:
    session = known_session(call, missing="odnaleziona")
    check_may_change(session, call)
    code = session_state(session, call).code
    if code != 100:
        detail = f"Status sesji {code} uniemożliwia jej zamknięcie."
        raise BadRequest(SESSION_STATE_FORBIDS, (detail,))
    call.store.close_session(session.reference, at=call.now)
    return empty_response(204)


def get_session(call: Call) -> Response:
    session = known_session(call)
    check_may_see(session, call)
    state = session_state(session, call)
    counts = {
        "invoiceCount": state.tally.total,
        "successfulInvoiceCount": state.tally.accepted,
        "failedInvoiceCount": state.tally.failed,
    }
    content: dict[str, object] = {
        "status": status(state.code, SESSION, details=state.details),
        "dateCreated": timestamp(session.opened_at),
        "dateUpdated": timestamp(state.updated_at),
        "validUntil": timestamp(session.valid_until),
        # KSeF leaves a counter out rather than write zero; clients are known to assert on that.
        **{name: count for name, count in counts.items() if count},
    }
    return json_response(200, content)


def known_session(call: Call, *, missing: str = "znaleziona") -> Session:
    """The session the path names, or 21173; KSeF words the detail differently for reads and writes."""
    reference = call.reference("referenceNumber")
    session = call.store.session(reference)
    if session is None:
        detail = f"Sesja o numerze referencyjnym {reference} nie została {missing}."
        raise BadRequest(UNKNOWN_SESSION, (detail,))
    return session


def session_state(session: Session, call: Call) -> State:
    tally = call.store.tally(session.reference, now=call.now)
    return state_at(session, tally, now=call.now)


def state_at(session: Session, tally: Tally, *, now: datetime) -> State:
    """The session's state, with ``tally`` taken at the same moment.

    100 open; 415 key unreadable; after closing (by hand or after 12 h) 170 until every invoice is judged,
    then 200 with an accepted invoice, 445 with refused ones only, 440 with none.
    """
    if session.key is None and now >= session.key_judged_at:
        return State(415, (), session.key_judged_at, None, tally)
    closed_at = closing_moment(session, now=now)
    if closed_at is None:
        return State(100, (), tally.last_received_at or session.opened_at, None, tally)
    done_at = max(closed_at + session.closing_takes, tally.last_decided_at or closed_at)
    if now < done_at:
        return State(170, (), closed_at, closed_at, tally)
    if tally.total == 0:
        return State(440, ("Nie przesłano faktur",), done_at, closed_at, tally)
    return State(200 if tally.accepted else 445, (), done_at, closed_at, tally)


def closing_moment(session: Session, *, now: datetime) -> datetime | None:
    """When the session was closed, by hand or by its end; None while it is open."""
    if session.closed_at is not None:
        return session.closed_at
    return session.valid_until if now >= session.valid_until else None


def _check_form(fields: Fields) -> None:
    form = (fields.text("systemCode"), fields.text("schemaVersion"), fields.text("value"))
    if form != FORM:
        raise invalid_input("Wskazany kod formularza nie jest wspierany.")
