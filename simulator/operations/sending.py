"""Sending an invoice: checked against its own declaration at once, judged, and filed with its verdict."""

from dataclasses import dataclass
from datetime import date, datetime

from simulator.crypto.files import sha256_base64
from simulator.invoice.judgement import (
    DUPLICATE,
    SESSION_FAILED,
    Accepted,
    Duplicate,
    Refused,
    Sent,
    Verdict,
    duplicate_details,
    judge,
)
from simulator.operations.call import Call, check_may_change
from simulator.operations.sessions import closing_moment, known_session, session_state
from simulator.protocol.errors import (
    CORRECTED_WAS_ACCEPTED,
    CORRECTION_ALREADY_ACCEPTED,
    SESSION_IS_FULL,
    SESSION_STATE_FORBIDS,
    WRONG_FILE_HASH,
    WRONG_FILE_SIZE,
    BadRequest,
    invalid_input,
)
from simulator.protocol.identifiers import ksef_number, new_reference
from simulator.protocol.reading import Fields, read_json
from simulator.protocol.times import warsaw_day
from simulator.store.port import Store
from simulator.store.rows import DuplicateKey, Invoice, Session
from simulator.wire import Response, json_response


def send_invoice(call: Call) -> Response:
    sent, encrypted_hash, encrypted_size = _read(read_json(call.request), now=call.now)
    session = known_session(call, missing="odnaleziona")
    check_may_change(session, call)
    _check_open(session, call)
    ordinal = _next_ordinal(session, call)
    _check_content(sent.ciphertext, declared_size=encrypted_size, declared_hash=encrypted_hash)
    if sent.corrects is not None:
        _check_correction(sent.corrects, call.store)
    verdict = judge(sent, session=session, policy=call.site.policy, store=call.store)
    invoice = _filed(sent, verdict, session=session, ordinal=ordinal, call=call)
    call.store.add_invoice(invoice)
    return json_response(202, {"referenceNumber": invoice.reference})


def _read(fields: Fields, *, now: datetime) -> tuple[Sent, str, int]:
    sent = Sent(
        hash=fields.sha256("invoiceHash"),
        size=fields.integer("invoiceSize", minimum=1),
        ciphertext=fields.base64("encryptedInvoiceContent"),
        offline=fields.boolean("offlineMode", default=False),
        corrects=fields.sha256("hashOfCorrectedInvoice") if fields.has("hashOfCorrectedInvoice") else None,
        received_at=now,
    )
    if sent.corrects is not None and not sent.offline:
        raise invalid_input("'hashOfCorrectedInvoice' requires 'offlineMode' to be true.")
    return sent, fields.sha256("encryptedInvoiceHash"), fields.integer("encryptedInvoiceSize", minimum=1)


def _check_open(session: Session, call: Call) -> None:
    unreadable = session.key is None and call.now >= session.key_judged_at
    if unreadable or closing_moment(session, now=call.now) is not None:
        detail = f"Status sesji {session_state(session, call).code} uniemożliwia wysyłkę faktur."
        raise BadRequest(SESSION_STATE_FORBIDS, (detail,))


def _next_ordinal(session: Session, call: Call) -> int:
    limit = call.site.policy.max_invoices
    ordinal = call.store.last_ordinal(session.reference) + 1
    if ordinal > limit:
        detail = (
            f"Sesja o numerze referencyjnym {session.reference} osiągnęła dozwolony limit "
            f"liczby faktur {limit}."
        )
        raise BadRequest(SESSION_IS_FULL, (detail,))
    return ordinal


def _check_content(ciphertext: bytes, *, declared_size: int, declared_hash: str) -> None:
    if len(ciphertext) != declared_size:
        raise BadRequest(WRONG_FILE_SIZE, ("Długość treści nie zgadza się z rozmiarem pliku.",))
    if sha256_base64(ciphertext) != declared_hash:
        raise BadRequest(WRONG_FILE_HASH, ("Skrót treści nie zgadza się ze skrótem pliku.",))


def _check_correction(corrected_hash: str, store: Store) -> None:
    """A technical correction replaces a refused file, once; a hash KSeF has never seen is let through."""
    if store.accepted_with_hash(corrected_hash) is not None:
        detail = "Nie można wysłać korekty technicznej do prawidłowo przetworzonej faktury."
        raise BadRequest(CORRECTED_WAS_ACCEPTED, (detail,))
    if store.accepted_correction_of(corrected_hash) is not None:
        detail = "Faktura posiada już przetworzoną prawidłowo korektę techniczną."
        raise BadRequest(CORRECTION_ALREADY_ACCEPTED, (detail,))


def _filed(sent: Sent, verdict: Verdict, *, session: Session, ordinal: int, call: Call) -> Invoice:
    """The invoice's row: everything about its fate, with the moments from which it shows."""
    delays = call.site.controls.delays
    drawn = call.now + delays.verdict.draw(call.rng)
    fate = _fate(verdict, drawn=drawn, session=session, call=call)
    return Invoice(
        session=session.reference,
        ordinal=ordinal,
        reference=new_reference("EE", now=call.now, rng=call.rng),
        context=session.context,
        hash=sent.hash,
        size=sent.size,
        received_at=call.now,
        decided_at=fate.decided_at,
        stored_at=fate.decided_at + delays.storage.draw(call.rng),
        code=fate.code,
        details=fate.details,
        original_session=None if fate.original is None else fate.original.session,
        original_ksef_number=None if fate.original is None else fate.original.ksef_number,
        key=fate.key,
        issued_on=fate.issued_on,
        ksef_number=fate.ksef_number,
        mode=fate.mode,
        corrected_hash=sent.corrects,
    )


@dataclass(frozen=True, slots=True)
class _Fate:
    code: int
    decided_at: datetime
    key: DuplicateKey | None = None
    details: tuple[str, ...] = ()
    original: Invoice | None = None
    issued_on: date | None = None
    ksef_number: str | None = None
    mode: str | None = None


def _fate(verdict: Verdict, *, drawn: datetime, session: Session, call: Call) -> _Fate:
    """What a verdict means for the row; ``drawn`` is when it shows unless something else must show first."""
    match verdict:
        case Accepted(facts, mode):
            return _Fate(
                200,
                drawn,
                key=facts.key,
                issued_on=facts.issued_on,
                ksef_number=_new_number(facts.key.seller_nip, decided_at=drawn, call=call),
                mode=mode,
            )
        case Refused(code, details, key):
            # An undecryptable session key is what refuses the invoice, so it is found first.
            shown_at = max(drawn, session.key_judged_at) if code == SESSION_FAILED else drawn
            return _Fate(code, shown_at, key=key, details=details)
        case Duplicate(key, original):
            # It names the original's number, so it cannot show before that number does.
            shown_at = max(drawn, original.decided_at)
            return _Fate(
                DUPLICATE, shown_at, key=key, details=(duplicate_details(original),), original=original
            )


def _new_number(seller_nip: str, *, decided_at: datetime, call: Call) -> str:
    return ksef_number(
        seller_nip=seller_nip,
        day=warsaw_day(decided_at),
        ordinal=call.store.last_seq() + 1,
        rng=call.rng,
    )
