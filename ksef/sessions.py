"""Sessions and their invoices as values: what is sent, and what KSeF tells about them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlencode

import msgspec

from ksef import wire
from ksef.crypto import EncryptedInvoice, SessionKey
from ksef.public_keys import PublicKey
from ksef.routes import is_path_value
from ksef.statuses import InvoiceVerdict, SessionPhase, invoice_verdict, session_phase
from ksef.timestamps import format_timestamp, parse_timestamp


@dataclass(frozen=True, slots=True)
class FormCode:
    """The document type of a session; a session carries one type only."""

    system_code: str
    schema_version: str
    value: str


FA_3 = FormCode("FA (3)", "1-0E", "FA")


class InvoicingMode(StrEnum):
    """How the sender declares an invoice. KSeF may turn ``ONLINE`` into ``OFFLINE`` by itself."""

    ONLINE = "Online"
    OFFLINE = "Offline"


class SessionType(StrEnum):
    """How a session takes its invoices: one by one, or as a package."""

    ONLINE = "Online"
    BATCH = "Batch"


class SessionStatusGroup(StrEnum):
    """The four groups of status codes that a list of sessions can be filtered by.

    Which code is in which group is told in words only; 445 (no invoice accepted) is taken for FAILED.
    """

    IN_PROGRESS = "InProgress"
    """Open, or closed with invoices in progress."""
    SUCCEEDED = "Succeeded"
    """At least one invoice accepted; others may have been refused."""
    FAILED = "Failed"
    """Its beginning or its end went wrong, so that it could not be processed."""
    CANCELLED = "Cancelled"
    """Ended without an invoice."""


@dataclass(frozen=True, slots=True)
class OnlineSession:
    """An open session. ``valid_until`` is 12 hours after opening; activity does not move it."""

    reference: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """A session as KSeF sees it; ``invoice_count`` includes those in progress. Counters left out are 0."""

    reference: str
    phase: SessionPhase
    code: int
    description: str
    details: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    valid_until: datetime | None
    invoice_count: int
    accepted_count: int
    failed_count: int


@dataclass(frozen=True, slots=True)
class InvoiceStatus:
    """One invoice of a session.

    ``invoice_hash`` is the hash that was declared when sending, the key to match by: ``invoice_number`` is
    often missing on failures. ``details`` quote the document, so they are kept out of ``repr``.
    ``mode`` is an InvoicingMode, or a word that this version does not know.
    """

    reference: str
    ordinal: int
    invoice_hash: str | None
    verdict: InvoiceVerdict
    code: int
    description: str
    details: tuple[str, ...] = field(repr=False)
    invoice_number: str | None
    invoicing_at: datetime | None
    permanent_storage_at: datetime | None
    mode: str | None


def opening_body(form_code: FormCode, *, key: SessionKey, public_key: PublicKey) -> bytes:
    """The request that opens an online session with ``key`` wrapped for KSeF."""
    return msgspec.json.encode(
        {
            "formCode": {
                "systemCode": form_code.system_code,
                "schemaVersion": form_code.schema_version,
                "value": form_code.value,
            },
            "encryption": {
                "encryptedSymmetricKey": key.wrap(public_key.key),
                "initializationVector": key.vector_base64,
                "publicKeyId": public_key.id,
            },
        }
    )


def sending_body(invoice: EncryptedInvoice, *, mode: InvoicingMode) -> bytes:
    """The request that sends one invoice."""
    return msgspec.json.encode(
        {
            "invoiceHash": invoice.invoice_hash,
            "invoiceSize": invoice.invoice_size,
            "encryptedInvoiceHash": invoice.encrypted_hash,
            "encryptedInvoiceSize": invoice.encrypted_size,
            "encryptedInvoiceContent": invoice.ciphertext,
            "offlineMode": mode is InvoicingMode.OFFLINE,
        }
    )


def sessions_query(
    session_type: SessionType,
    *,
    page_size: int,
    statuses: Collection[SessionStatusGroup],
    **bounds: datetime | None,
) -> str:
    """The query of one page of the session list; ``bounds`` by KSeF's own names, e.g. ``dateCreatedFrom``.

    Raises ValueError for a bound without an offset.
    """
    times = [(name, format_timestamp(bound)) for name, bound in bounds.items() if bound is not None]
    groups = [("statuses", group) for group in statuses]
    return "?" + urlencode([("sessionType", session_type), ("pageSize", page_size), *times, *groups])


def session_from(reference: str, answer: wire.Session) -> SessionStatus:
    """Raises ValueError for a time that cannot be read."""
    return SessionStatus(
        reference=reference,
        phase=session_phase(answer.status.code),
        code=answer.status.code,
        description=answer.status.description or "",
        details=_details(answer.status),
        created_at=parse_timestamp(answer.date_created),
        updated_at=parse_timestamp(answer.date_updated),
        valid_until=_time(answer.valid_until),
        invoice_count=answer.invoice_count or 0,
        accepted_count=answer.successful_invoice_count or 0,
        failed_count=answer.failed_invoice_count or 0,
    )


def listed_session_from(answer: wire.ListedSession) -> SessionStatus:
    """Raises ValueError for a time that cannot be read, or a reference that no later call could name."""
    if not is_path_value(answer.reference_number):
        raise ValueError("referenceNumber is no reference number")
    return SessionStatus(
        reference=answer.reference_number,
        phase=session_phase(answer.status.code),
        code=answer.status.code,
        description=answer.status.description or "",
        details=_details(answer.status),
        created_at=parse_timestamp(answer.date_created),
        updated_at=parse_timestamp(answer.date_updated),
        valid_until=_time(answer.valid_until),
        invoice_count=answer.total_invoice_count or 0,
        accepted_count=answer.successful_invoice_count or 0,
        failed_count=answer.failed_invoice_count or 0,
    )


def invoice_from(answer: wire.SessionInvoice) -> InvoiceStatus:
    """Raises ValueError for a time that cannot be read."""
    status = answer.status
    return InvoiceStatus(
        reference=answer.reference_number,
        ordinal=answer.ordinal_number,
        invoice_hash=answer.invoice_hash,
        verdict=invoice_verdict(
            status.code,
            ksef_number=answer.ksef_number,
            acquired_at=_time(answer.acquisition_date),
            extensions=status.extensions,
        ),
        code=status.code,
        description=status.description or "",
        details=_details(status),
        invoice_number=answer.invoice_number,
        invoicing_at=_time(answer.invoicing_date),
        permanent_storage_at=_time(answer.permanent_storage_date),
        mode=answer.invoicing_mode,
    )


def _details(status: wire.Status) -> tuple[str, ...]:
    return tuple(text for text in status.details or () if text)


def _time(text: str | None) -> datetime | None:
    return parse_timestamp(text) if text else None
