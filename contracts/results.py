"""What the ERP reads on ``erp.<source>.results.v1``: every change of a document's life, numbered.

A public contract: fields are added, never changed or removed, within a major version.
"""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from contracts.base import Message, Nip, SourceName, UtcDateTime
from contracts.content import Content
from contracts.findings import Finding
from contracts.sales import InvoiceFacts, KsefProgress, Origin, Outcome, TolerantState


class DocumentResult(Message):
    """The document after one more step. ``sequence`` counts from 1 per document: drop what you have seen."""

    document_id: UUID
    """The document's id for its whole life: UUIDv5 of source, ERP's document id and revision."""
    source: SourceName
    """The source it came from, as in the topic's name."""
    erp_document_id: str
    """The ERP's own id of the document, as published: ``ce_id``, else ``source.document_id``, else
    ``sha256:…``."""
    revision: str
    """The revision, as published; ``1`` if none was."""
    company_nip: Nip | None = None
    """The company that issues: the seller, or the buyer of a self-billed invoice."""
    sequence: int = Field(ge=1)
    """Counts the document's steps from 1, without gaps: drop what you have seen."""
    step: TolerantState
    """What happened now."""
    state: TolerantState
    """Where the document stands after it (a late or repeated step does not turn it back)."""
    outcome: Outcome
    """What that means for the business."""
    at: UtcDateTime
    """When the step was taken."""
    accepted_at: UtcDateTime
    """When the document was first seen; the same on every result of it."""
    origin: Origin | None = None
    """Where the source published it."""
    invoice: InvoiceFacts | None = None
    """What the invoice says, as soon as it could be read."""
    ksef_number: str | None = None
    """The number that KSeF gave; from ``issued`` on."""
    ksef_acquired_at: datetime | None = None
    """When KSeF gave the number."""
    ksef: KsefProgress | None = None
    """What KSeF said so far."""
    upo: Content | None = None
    """The official receipt, by value up to 256 KB."""
    findings: tuple[Finding, ...] = ()
    """What is wrong or odd, if anything; as of this step."""
    waits_for: UUID | None = None
    """With ``waiting``: the document that holds the number this one wants."""
    trace_id: str | None = None
    """The trace that all steps of the document belong to; the publisher's own, if it sent one."""
