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
    source: SourceName
    erp_document_id: str
    revision: str
    company_nip: Nip | None = None
    sequence: int = Field(ge=1)
    step: TolerantState
    """What happened now."""
    state: TolerantState
    """Where the document stands after it (a late or repeated step does not turn it back)."""
    outcome: Outcome
    at: UtcDateTime
    accepted_at: UtcDateTime
    origin: Origin | None = None
    invoice: InvoiceFacts | None = None
    ksef_number: str | None = None
    ksef_acquired_at: datetime | None = None
    ksef: KsefProgress | None = None
    upo: Content | None = None
    """The official receipt, by value up to 256 KB."""
    findings: tuple[Finding, ...] = ()
    waits_for: UUID | None = None
    trace_id: str | None = None
