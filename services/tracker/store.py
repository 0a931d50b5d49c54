"""tracker's tables: all SQL of the service."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from contracts.content import Content
from contracts.findings import Finding
from contracts.sales import DocumentRef, DocumentStatus, InvoiceFacts, KsefProgress, Origin, Outcome
from runtime.db import Connection, Database
from services.tracker.life import Life

_BEGIN = """
    insert into tracker.document
        (accepted_at, document_id, source, erp_document_id, revision, company_nip, state, outcome, sequence)
    select *, '', 'pending', 0
    from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
    on conflict do nothing
"""
_LOCK = """
    select document_id, state, outcome, sequence, facts, origin, ksef, upo, findings, waits_for, trace_id
    from tracker.document
    where (accepted_at, document_id) in (select * from unnest($1::timestamptz[], $2::uuid[]))
    order by document_id for update
"""
_SEEN = """
    select event_id from tracker.event
    where (accepted_at, document_id, event_id)
        in (select * from unnest($1::timestamptz[], $2::uuid[], $3::uuid[]))
"""
_ADD = """
    insert into tracker.event
        (accepted_at, document_id, event_id, sequence, stage, state, at, traceparent, company_nip, status)
    select * from unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::text[],
                         $7::timestamptz[], $8::text[], $9::text[], $10::jsonb[])
"""
_UPDATE = """
    update tracker.document d
    set state = n.state, outcome = n.outcome, sequence = n.sequence, facts = n.facts, origin = n.origin,
        ksef = n.ksef, upo = n.upo, findings = n.findings, waits_for = n.waits_for, trace_id = n.trace_id,
        company_nip = coalesce(d.company_nip, n.company_nip), updated_at = now()
    from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::jsonb[],
                $7::jsonb[], $8::jsonb[], $9::jsonb[], $10::jsonb[], $11::uuid[], $12::text[], $13::text[])
        as n (accepted_at, document_id, state, outcome, sequence, facts, origin, ksef, upo, findings,
              waits_for, trace_id, company_nip)
    where d.accepted_at = n.accepted_at and d.document_id = n.document_id
"""
_FIND = """
    select * from tracker.document
    where document_id::text = $1 or erp_document_id = $1 or facts->>'number' = $1 or ksef->>'ksef_number' = $1
    order by accepted_at desc, document_id limit $2
"""
_STEPS = """
    select sequence, stage, state, at, recorded_at, status from tracker.event
    where accepted_at = $1 and document_id = $2 order by sequence
"""
_OVERVIEW = """
    select coalesce(company_nip, '') as company_nip, state, outcome, count(*) as documents,
        min(accepted_at) as oldest
    from tracker.document where accepted_at >= now() - make_interval(days => $1)
    group by 1, 2, 3 order by 1, 2
"""
_LATEST = """
    select * from tracker.document where accepted_at >= $1 order by accepted_at, document_id
"""

_content: TypeAdapter[Content] = TypeAdapter(Content)


@dataclass(frozen=True, slots=True)
class Step:
    """One new step to record."""

    event_id: UUID
    sequence: int
    traceparent: str | None
    status: DocumentStatus


@dataclass(frozen=True, slots=True)
class Document:
    """A document as the tracker knows it."""

    ref: DocumentRef
    life: Life


async def lock(connection: Connection, documents: Sequence[DocumentRef]) -> dict[UUID, Life]:
    """The lives of these documents, begun if new, locked until the transaction ends."""
    await connection.execute(
        _BEGIN,
        [document.accepted_at for document in documents],
        [document.document_id for document in documents],
        [document.source for document in documents],
        [document.erp_document_id for document in documents],
        [document.revision for document in documents],
        [document.company_nip for document in documents],
    )
    rows = await connection.fetch(
        _LOCK,
        [document.accepted_at for document in documents],
        [document.document_id for document in documents],
    )
    return {row["document_id"]: _life(row) for row in rows}


async def seen(connection: Connection, statuses: Mapping[UUID, DocumentStatus]) -> set[UUID]:
    """Which of these events were recorded before."""
    rows = await connection.fetch(
        _SEEN,
        [status.document.accepted_at for status in statuses.values()],
        [status.document.document_id for status in statuses.values()],
        list(statuses),
    )
    return {row["event_id"] for row in rows}


async def add(connection: Connection, steps: Sequence[Step]) -> None:
    """Record new steps."""
    await connection.execute(
        _ADD,
        [step.status.document.accepted_at for step in steps],
        [step.status.document.document_id for step in steps],
        [step.event_id for step in steps],
        [step.sequence for step in steps],
        [step.status.stage for step in steps],
        [str(step.status.state) for step in steps],
        [step.status.at for step in steps],
        [step.traceparent for step in steps],
        [step.status.document.company_nip for step in steps],
        [step.status.model_dump_json(exclude_none=True, exclude={"document"}) for step in steps],
    )


async def update(connection: Connection, lives: Sequence[tuple[DocumentRef, Life]]) -> None:
    """Write where documents stand now; the caller has locked them."""
    await connection.execute(
        _UPDATE,
        [ref.accepted_at for ref, _ in lives],
        [ref.document_id for ref, _ in lives],
        [life.state for _, life in lives],
        [life.outcome.value for _, life in lives],
        [life.sequence for _, life in lives],
        [_json(life.facts) for _, life in lives],
        [_json(life.origin) for _, life in lives],
        [_json(life.ksef) for _, life in lives],
        [_json(life.upo) for _, life in lives],
        [_findings_text(life.findings) for _, life in lives],
        [life.waits_for for _, life in lives],
        [life.trace_id for _, life in lives],
        [ref.company_nip for ref, _ in lives],
    )


async def find(database: Database, text: str, *, limit: int = 20) -> list[Document]:
    """Documents by document id, ERP's id, invoice number or KSeF number; the newest first."""
    return [_document(row) for row in await database.fetch(_FIND, text, limit)]


async def latest(database: Database, *, since: datetime) -> list[Document]:
    """All documents accepted since then, the oldest first."""
    return [_document(row) for row in await database.fetch(_LATEST, since)]


async def steps(database: Database, document: DocumentRef) -> list[Mapping[str, Any]]:
    """A document's steps in order: sequence, stage, state, at, recorded_at, status (a dict)."""
    rows = await database.fetch(_STEPS, document.accepted_at, document.document_id)
    return [{**dict(row), "status": json.loads(row["status"])} for row in rows]


async def overview(database: Database, *, days: int) -> list[Mapping[str, Any]]:
    """Documents of the last days by company, state and outcome, with the oldest of each."""
    return [dict(row) for row in await database.fetch(_OVERVIEW, days)]


def _document(row: Mapping[str, Any]) -> Document:
    ref = DocumentRef(
        document_id=row["document_id"],
        source=row["source"],
        erp_document_id=row["erp_document_id"],
        revision=row["revision"],
        company_nip=row["company_nip"],
        accepted_at=row["accepted_at"],
    )
    return Document(ref=ref, life=_life(row))


def _life(row: Mapping[str, Any]) -> Life:
    return Life(
        state=row["state"],
        outcome=Outcome(row["outcome"]),
        sequence=row["sequence"],
        facts=row["facts"] and InvoiceFacts.model_validate_json(row["facts"]),
        origin=row["origin"] and Origin.model_validate_json(row["origin"]),
        ksef=row["ksef"] and KsefProgress.model_validate_json(row["ksef"]),
        upo=row["upo"] and _content.validate_json(row["upo"]),
        findings=tuple(Finding.model_validate(item) for item in json.loads(row["findings"])),
        waits_for=row["waits_for"],
        trace_id=row["trace_id"],
    )


def _json(model: InvoiceFacts | Origin | KsefProgress | Content | None) -> str | None:
    return None if model is None else model.model_dump_json(exclude_none=True)


def _findings_text(findings: Sequence[Finding]) -> str:
    return json.dumps(
        [item.model_dump(mode="json", exclude_none=True) for item in findings], ensure_ascii=False
    )
