"""The verdict on one invoice, taken once, when it arrives; status calls only look at the clock.

Whatever is sent first wins its duplicate key, also while its verdict does not show yet: two copies in flight
never both get a number, and a refused one frees the key at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from simulator.crypto.files import decrypt_file, sha256_base64
from simulator.invoice.document import (
    BAD_DOCUMENT,
    BAD_FILE,
    Facts,
    Rejected,
    read_document,
)
from simulator.policy import Policy
from simulator.protocol.identifiers import Identifier, nip_checksum_holds
from simulator.protocol.times import warsaw_day
from simulator.store.port import Store
from simulator.store.rows import DuplicateKey, Invoice, Session

SESSION_FAILED = 405
NO_RIGHT_TO_ISSUE = 410
NO_ATTACHMENTS_HERE = 415
UNDECRYPTABLE = 435
DUPLICATE = 440

_UNIQUE_YEARS = 10


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client sent and declared about it; ``ciphertext`` agrees with its own declaration already."""

    ciphertext: bytes
    hash: str
    size: int
    offline: bool
    corrects: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    facts: Facts
    mode: str


@dataclass(frozen=True, slots=True)
class Refused:
    code: int
    details: tuple[str, ...] = ()
    key: DuplicateKey | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The key is taken by ``original``, whose verdict may show later than now."""

    key: DuplicateKey
    original: Invoice


Verdict: TypeAlias = Accepted | Refused | Duplicate


def judge(sent: Sent, *, session: Session, policy: Policy, store: Store) -> Verdict:
    """The verdict of KSeF's rules, in the order: session key, file, document, rights, duplicate."""
    try:
        facts = _read(sent, session=session, policy=policy)
    except Rejected as rejected:
        return Refused(rejected.code, rejected.details)
    try:
        _check_document(facts, sent=sent, session=session, policy=policy)
        _check_right_to_issue(facts, context=session.context, store=store)
    except Rejected as rejected:
        return Refused(rejected.code, rejected.details, key=facts.key)
    original = store.accepted_with_key(facts.key)
    if original is not None and _still_unique(original, at=sent.received_at):
        return Duplicate(facts.key, original)
    return Accepted(facts, mode=_mode(facts, sent))


def duplicate_details(original: Invoice) -> str:
    return (
        f"Duplikat faktury. Faktura o numerze KSeF: {original.ksef_number} została już prawidłowo "
        f"przesłana do systemu w sesji: {original.session}"
    )


def duplicate_extensions(invoice: Invoice) -> Mapping[str, str]:
    """The two extensions of status 440; empty for any other invoice."""
    if invoice.original_session is None or invoice.original_ksef_number is None:
        return {}
    return {
        "originalSessionReferenceNumber": invoice.original_session,
        "originalKsefNumber": invoice.original_ksef_number,
    }


def _read(sent: Sent, *, session: Session, policy: Policy) -> Facts:
    if session.key is None:
        raise Rejected(SESSION_FAILED)
    content = decrypt_file(sent.ciphertext, key=session.key, iv=session.iv)
    if content is None:
        raise Rejected(UNDECRYPTABLE)
    if len(content) != sent.size:
        raise Rejected(BAD_FILE, ("Rozmiar faktury nie zgadza się z zadeklarowanym rozmiarem.",))
    if sha256_base64(content) != sent.hash:
        raise Rejected(BAD_FILE, ("Skrót faktury nie zgadza się z zadeklarowanym skrótem.",))
    _check_size(sent.size, limit=policy.max_invoice_with_attachment_bytes)
    facts = read_document(content, refuse_discouraged=policy.refuses_discouraged_characters)
    if not facts.has_attachment:
        _check_size(sent.size, limit=policy.max_invoice_bytes)
    return facts


def _check_size(size: int, *, limit: int) -> None:
    if size > limit:
        raise Rejected(BAD_FILE, (f"Rozmiar faktury przekracza dozwolone {limit} bajtów.",))


def _check_document(facts: Facts, *, sent: Sent, session: Session, policy: Policy) -> None:
    if facts.issued_on > warsaw_day(sent.received_at):
        detail = f"Data wystawienia faktury (P_1) {facts.issued_on} jest późniejsza niż data przyjęcia."
        raise Rejected(BAD_DOCUMENT, (detail,))
    if policy.checks_identifiers or session.checks_identifiers:
        wrong = tuple(
            f"Nieprawidłowa suma kontrolna numeru NIP {nip} ({party})."
            for party, nip in facts.nips
            if not nip_checksum_holds(nip)
        )
        if wrong:
            raise Rejected(BAD_DOCUMENT, wrong)
    if facts.has_attachment and sent.corrects is None:
        raise Rejected(NO_ATTACHMENTS_HERE)


def _check_right_to_issue(facts: Facts, *, context: Identifier, store: Store) -> None:
    """Own invoices, and self-billed ones whose seller has granted that to the buyer in this context."""
    issuer, seller = context.value[:10], facts.key.seller_nip
    if issuer == seller:
        return
    if (
        facts.self_billed
        and facts.buyer_nip == issuer
        and store.self_billing_granted(seller_nip=seller, buyer_nip=issuer)
    ):
        return
    detail = f"Kontekst {context} nie jest uprawniony do wystawienia faktury sprzedawcy o NIP {seller}."
    raise Rejected(NO_RIGHT_TO_ISSUE, ("Brak uprawnienia fakturowego", detail))


def _still_unique(original: Invoice, *, at: datetime) -> bool:
    """Uniqueness is kept for ten full years from the end of the calendar year of issue."""
    return original.issued_on is None or warsaw_day(at).year <= original.issued_on.year + _UNIQUE_YEARS


def _mode(facts: Facts, sent: Sent) -> str:
    """Declared offline, or dated before the Polish day on which it was sent."""
    return "Offline" if sent.offline or facts.issued_on < warsaw_day(sent.received_at) else "Online"
