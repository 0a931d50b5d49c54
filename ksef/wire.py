"""The bodies of KSeF's answers, as they come (KSeF API 2.9).

Tolerant on purpose: unknown members are ignored, enumerations are text, whatever the contract or practice
leaves out may be missing or null. Nothing outside this package sees these types.
"""

from typing import Any

from msgspec import Struct, field
from msgspec.json import Decoder


class Answer(Struct, rename="camel"):
    """Base of all bodies."""


class Challenge(Answer):
    challenge: str
    timestamp_ms: int


class Jwt(Answer):
    token: str
    valid_until: str

    def __repr__(self) -> str:
        return "<Jwt: hidden>"


class LoginStarted(Answer):
    reference_number: str
    authentication_token: Jwt


class Status(Answer):
    code: int
    description: str | None = None
    details: list[str | None] | None = None
    extensions: dict[str, Any] | None = None


class LoginStatus(Answer):
    status: Status


class Tokens(Answer):
    access_token: Jwt
    refresh_token: Jwt


class Refreshed(Answer):
    access_token: Jwt


class PublicKeyCertificate(Answer):
    certificate: str
    public_key_id: str
    valid_from: str
    valid_to: str
    usage: list[str]


class SessionOpened(Answer):
    reference_number: str
    valid_until: str


class InvoiceTaken(Answer):
    reference_number: str


class Session(Answer):
    status: Status
    date_created: str
    date_updated: str
    valid_until: str | None = None
    invoice_count: int | None = None
    successful_invoice_count: int | None = None
    failed_invoice_count: int | None = None


class ListedSession(Answer):
    reference_number: str
    status: Status
    date_created: str
    date_updated: str
    valid_until: str | None = None
    total_invoice_count: int | None = None
    successful_invoice_count: int | None = None
    failed_invoice_count: int | None = None


class Sessions(Answer):
    sessions: list[ListedSession]
    continuation_token: str | None = None


class SessionInvoice(Answer):
    ordinal_number: int
    reference_number: str
    status: Status
    invoice_hash: str | None = None
    invoicing_date: str | None = None
    invoice_number: str | None = None
    ksef_number: str | None = None
    acquisition_date: str | None = None
    permanent_storage_date: str | None = None
    invoicing_mode: str | None = None


class SessionInvoices(Answer):
    invoices: list[SessionInvoice]
    continuation_token: str | None = None


class SessionLimits(Answer):
    max_invoice_size_in_mb: int = field(name="maxInvoiceSizeInMB")
    max_invoice_with_attachment_size_in_mb: int = field(name="maxInvoiceWithAttachmentSizeInMB")
    max_invoices: int


class ContextLimits(Answer):
    online_session: SessionLimits
    batch_session: SessionLimits


class Rate(Answer):
    per_second: int
    per_minute: int
    per_hour: int


CHALLENGE = Decoder(Challenge)
LOGIN_STARTED = Decoder(LoginStarted)
LOGIN_STATUS = Decoder(LoginStatus)
TOKENS = Decoder(Tokens)
REFRESHED = Decoder(Refreshed)
PUBLIC_KEYS = Decoder(list[PublicKeyCertificate])
SESSION_OPENED = Decoder(SessionOpened)
INVOICE_TAKEN = Decoder(InvoiceTaken)
SESSION = Decoder(Session)
SESSIONS = Decoder(Sessions)
SESSION_INVOICE = Decoder(SessionInvoice)
SESSION_INVOICES = Decoder(SessionInvoices)
CONTEXT_LIMITS = Decoder(ContextLimits)
RATE_LIMITS = Decoder(dict[str, Any])
