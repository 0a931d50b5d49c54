"""What KSeF's status codes mean, as values to match on (KSeF API 2.9).

Only the code decides; KSeF rewords its texts. A code without a row here is judged by its range: below 400
still pending (200 is always done), from 400 on failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Pending:
    """100, 150: in progress. Under load this may last for hours; that alone is no reason to send again."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """200: the invoice has its number. ``acquired_at`` is the legal moment of receipt."""

    ksef_number: str
    acquired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """440: seller, kind and number are taken by the original named here (None if KSeF named none).

    Not yet a failure: it may be our own earlier copy. Compare the original's hash before saying either.
    """

    original_ksef_number: str | None
    original_session_reference: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """415 (attachment not allowed), 430 (file), 450 (content), other failures: a business answer.

    The number stays free.
    """


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """405: the session broke (its key could not be decrypted). Send the same bytes in a new session."""


@dataclass(frozen=True, slots=True)
class SystemFailed:
    """500, 550: KSeF's own trouble. Send the same bytes again."""


@dataclass(frozen=True, slots=True)
class NotPermitted:
    """410: this context may not issue invoices for this seller. An operator changes permissions first."""


@dataclass(frozen=True, slots=True)
class NotDecrypted:
    """435: wrong key, vector or padding: a defect of the sending software."""


InvoiceVerdict: TypeAlias = (
    Pending | Accepted | Duplicate | Rejected | SessionFailed | SystemFailed | NotPermitted | NotDecrypted
)
"""Every verdict but Pending is final for that invoice reference."""

_INVOICE_CODES: Mapping[int, InvoiceVerdict] = {
    100: Pending(),
    150: Pending(),
    405: SessionFailed(),
    410: NotPermitted(),
    415: Rejected(),
    430: Rejected(),
    435: NotDecrypted(),
    450: Rejected(),
    500: SystemFailed(),
    550: SystemFailed(),
}


def invoice_verdict(
    code: int,
    *,
    ksef_number: str | None = None,
    acquired_at: datetime | None = None,
    extensions: Mapping[str, object] | None = None,
) -> InvoiceVerdict:
    """The verdict of an invoice's status. A 200 that does not name its KSeF number yet is Pending."""
    if code == 200:
        return Accepted(ksef_number, acquired_at) if ksef_number else Pending()
    if code == 440:
        named = extensions or {}
        return Duplicate(
            _text(named.get("originalKsefNumber")), _text(named.get("originalSessionReferenceNumber"))
        )
    return _INVOICE_CODES.get(code) or (Pending() if code < 400 else Rejected())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


class SessionPhase(Enum):
    """Where a session stands."""

    OPEN = "open"
    PROCESSING = "closed, invoices in progress"
    DONE = "at least one invoice accepted"
    NO_VALID_INVOICES = "invoices were sent, none accepted"
    CANCELLED = "ended without an invoice"
    KEY_REFUSED = "its key could not be decrypted: open another session with a new key"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Nothing changes any more: the session's list of invoices is complete."""
        return self not in {SessionPhase.OPEN, SessionPhase.PROCESSING}


_SESSION_CODES: Mapping[int, SessionPhase] = {
    100: SessionPhase.OPEN,
    170: SessionPhase.PROCESSING,
    200: SessionPhase.DONE,
    415: SessionPhase.KEY_REFUSED,
    440: SessionPhase.CANCELLED,
    445: SessionPhase.NO_VALID_INVOICES,
    500: SessionPhase.FAILED,
}


def session_phase(code: int) -> SessionPhase:
    """The phase of a session's status code."""
    return _SESSION_CODES.get(code) or (SessionPhase.PROCESSING if code < 400 else SessionPhase.FAILED)


class LoginVerdict(Enum):
    """How an authentication operation stands."""

    PENDING = "pending"
    DONE = "done"
    TRY_AGAIN = "try again from a new challenge"
    OPERATOR_NEEDED = "operator needed"


def login_verdict(code: int) -> LoginVerdict:
    """The verdict of an authentication's status code."""
    if code == 200:
        return LoginVerdict.DONE
    if code < 400:
        return LoginVerdict.PENDING
    return LoginVerdict.TRY_AGAIN if code in {500, 550} else LoginVerdict.OPERATOR_NEEDED
