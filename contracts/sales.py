"""The messages of the sales flow: what each stage tells the next, and what every stage tells the tracker.

Facts in the past tense. All of them name the document in the same way (:class:`DocumentRef`), so that a
consumer needs nothing but the message to know whose life it belongs to.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import PlainSerializer, WithJsonSchema, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from contracts.base import Message, Nip, Sha256Hex, SourceName, UtcDateTime
from contracts.content import Content
from contracts.findings import Finding


class DocumentRef(Message):
    """Which document, whose, and since when.

    ``accepted_at`` is the database's time when intake first saw the document id; it never changes, and every
    table that grows is partitioned by it. ``company_nip`` is the company that issues: the seller, or the
    buyer of a self-billed invoice.
    """

    document_id: UUID
    source: SourceName
    erp_document_id: str
    revision: str
    company_nip: Nip | None = None
    accepted_at: UtcDateTime


class Origin(Message):
    """Where the source published it: a Kafka record, and the place inside it."""

    topic: str
    """The topic."""
    partition: int
    """The partition."""
    offset: int
    """The offset of the record."""
    place: str | None = None
    """``document 3`` when the record held several."""


class DocumentFormat(StrEnum):
    INVOICE_JSON = "invoice/1"
    FA3_XML = "fa3-xml"


class DocumentAccepted(Message):
    """Intake took a document over: it is stored, its sender may speak for the company."""

    document: DocumentRef
    origin: Origin
    format: DocumentFormat
    created_at: UtcDateTime
    """When the ERP published it first (the Kafka record's time): default of ``source.created_at``."""
    content: Content
    """The document's own bytes, exactly as published."""


class InvoiceFacts(Message):
    """What the stages need to know of an invoice without reading its XML again."""

    seller_nip: Nip
    """The seller's NIP."""
    buyer_nip: Nip | None = None
    """The buyer's NIP, if it has one."""
    kind: str
    """FA(3) RodzajFaktury, such as ``VAT`` or ``KOR``."""
    number: str
    """The invoice's number."""
    issued_on: date
    """The day of issue."""
    currency: str
    """ISO 4217."""
    gross: str
    """Decimal as text, in ``currency``; point (.) as separator."""
    self_billing: bool = False
    """The buyer issued it for the seller."""


class InvoiceMapped(Message):
    """The document as FA(3) XML. The same revision always gives the same bytes."""

    document: DocumentRef
    facts: InvoiceFacts
    content_hash: Sha256Hex
    """Is it the same document? Over the canonical invoice without its ``source``, or over canonical XML
    without its header."""
    xml: Content
    """Exactly the bytes KSeF will see."""


class DocumentAdmitted(Message):
    """The invoice is valid, its number is reserved, its bytes are stored: it may be sent."""

    document: DocumentRef
    facts: InvoiceFacts
    content_hash: Sha256Hex
    xml: Content
    context_type: Literal["Nip"] = "Nip"
    context_value: str
    """The KSeF context that sends it."""


class State(StrEnum):
    """Where the machine stands with a document. Published by the stage that made it so."""

    ACCEPTED = "accepted"
    """Stored; its source may speak for the company."""
    MAPPED = "mapped"
    """Written as FA(3), or taken as it came if it was FA(3)."""
    WAITING = "waiting"
    """Another document holds its number, and that one's fate is not known yet."""
    ADMITTED = "admitted"
    """Valid, and its number is reserved: it may be sent."""
    SENT = "sent"
    """KSeF has it and has not decided."""
    ISSUED = "issued"
    """KSeF gave it a number."""
    COMPLETED = "completed"
    """The UPO is here: nothing more will come."""
    REFUSED = "refused"
    """Not sent; the findings say why."""
    REJECTED = "rejected"
    """KSeF refused it; the findings say why."""
    PARKED = "parked"
    """A person must decide; the findings say what."""
    REVISION_REUSED = "revision-reused"
    """The revision was published before with other bytes; the first ones stay valid."""


class Outcome(StrEnum):
    """What it means for the business. Two of them are for ever: issued and rejected."""

    PENDING = "pending"
    """Nothing is decided yet."""
    ISSUED = "issued"
    """KSeF gave it a number: the invoice exists in law."""
    REFUSED = "refused"
    """We did not send it; the findings say why. Publish a corrected revision."""
    REJECTED = "rejected"
    """KSeF refused it. Its number is free again."""
    NEEDS_ATTENTION = "needs-attention"
    """A human must decide."""


def _known_or_text(value: object, handler: ValidatorFunctionWrapHandler) -> State | str:
    try:
        return State(handler(value))
    except ValueError:
        if isinstance(value, str):
            return value
        raise


TolerantState = Annotated[
    State | str,
    WrapValidator(_known_or_text),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": [state.value for state in State]}),
]
"""A reader keeps a state it does not know as text: tomorrow's stage must not stop today's tracker."""


class KsefProgress(Message):
    """What KSeF said so far. References are KSeF's own numbers."""

    session_reference: str | None = None
    """The session it was sent in."""
    invoice_reference: str | None = None
    """The invoice within the session."""
    status_code: int | None = None
    """KSeF's code of the invoice's processing; 200 is success."""
    status_text: str | None = None
    """KSeF's own words for it."""
    ksef_number: str | None = None
    """The number that KSeF gave."""
    acquired_at: datetime | None = None
    """When the number was given: the legal date of receipt."""
    invoicing_mode: str | None = None
    """``Online`` or ``Offline``, as KSeF took it."""


class DocumentStatus(Message):
    """One step of one document's life, told by the stage that took it."""

    document: DocumentRef
    stage: str
    state: TolerantState
    at: UtcDateTime
    origin: Origin | None = None
    facts: InvoiceFacts | None = None
    findings: tuple[Finding, ...] = ()
    waits_for: UUID | None = None
    """The document that holds the number this one wants."""
    ksef: KsefProgress | None = None
    upo: Content | None = None
    attempt: int | None = None
