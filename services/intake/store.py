"""intake's tables: all SQL of the service."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.findings import Finding
from contracts.sales import DocumentRef, Origin
from runtime.db import Connection, Database
from services.intake.envelope import Candidate

_REGISTER = """
    insert into intake.identity (document_id, raw_sha256, created_at, refused)
    select distinct on (document_id) document_id, raw_sha256, created_at, refused
    from unnest($1::uuid[], $2::bytea[], $3::timestamptz[], $4::boolean[]) with ordinality
        as new (document_id, raw_sha256, created_at, refused, position)
    order by document_id, position
    on conflict do nothing
    returning document_id
"""
_FIND = """
    select document_id, raw_sha256, accepted_at, created_at, refused
    from intake.identity where document_id = any($1::uuid[])
"""
_REFUSE = """
    insert into intake.refusal
        (accepted_at, document_id, raw_sha256, source, erp_document_id, revision, origin, findings)
    select * from unnest($1::timestamptz[], $2::uuid[], $3::bytea[], $4::text[], $5::text[], $6::text[],
                         $7::jsonb[], $8::jsonb[])
    on conflict do nothing
"""
_REMEMBER = """
    insert into intake.identity (document_id, raw_sha256, accepted_at, created_at, refused)
    select distinct on (document_id) * from unnest($1::uuid[], $2::bytea[], $3::timestamptz[],
                                                   $4::timestamptz[], $5::boolean[])
        as new (document_id, raw_sha256, accepted_at, created_at, refused)
    order by document_id, accepted_at
    on conflict do nothing
    returning document_id
"""
_FINDINGS = """
    select findings from intake.refusal where accepted_at = $1 and document_id = $2 and raw_sha256 = $3
"""
_ACCEPTED_AT = "select document_id, accepted_at from intake.identity where document_id = any($1::uuid[])"


@dataclass(frozen=True, slots=True)
class Identity:
    """What intake remembers of a document id. ``new``: since this very transaction."""

    raw_sha256: bytes
    accepted_at: datetime
    created_at: datetime
    refused: bool
    new: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that is not taken, to be kept."""

    candidate: Candidate
    source: str
    origin: Origin
    accepted_at: datetime
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What intake once answered about a document. A refusal has findings."""

    document: DocumentRef
    raw_sha256: bytes
    created_at: datetime
    origin: Origin | None = None
    findings: tuple[Finding, ...] = ()


async def register(
    connection: Connection, candidates: Sequence[tuple[Candidate, datetime, bool]]
) -> dict[UUID, Identity]:
    """Remember (candidate, created at, refused) where the id is new; what is remembered of all of them.

    Of several candidates with one id the first counts.
    """
    documents = [candidate.document_id for candidate, _, _ in candidates]
    fresh = await connection.fetch(
        _REGISTER,
        documents,
        [candidate.raw_sha256 for candidate, _, _ in candidates],
        [created_at for _, created_at, _ in candidates],
        [refused for _, _, refused in candidates],
    )
    new = {row["document_id"] for row in fresh}
    rows = await connection.fetch(_FIND, documents)
    return {
        row["document_id"]: Identity(
            raw_sha256=row["raw_sha256"],
            accepted_at=row["accepted_at"],
            created_at=row["created_at"],
            refused=row["refused"],
            new=row["document_id"] in new,
        )
        for row in rows
    }


async def keep_refusals(connection: Connection, refusals: Sequence[Refusal]) -> None:
    """Keep why documents were not taken; one that is kept already stays as it was."""
    if refusals:
        await connection.execute(
            _REFUSE,
            [refusal.accepted_at for refusal in refusals],
            [refusal.candidate.document_id for refusal in refusals],
            [refusal.candidate.raw_sha256 for refusal in refusals],
            [refusal.source for refusal in refusals],
            [refusal.candidate.erp_document_id for refusal in refusals],
            [refusal.candidate.revision for refusal in refusals],
            [refusal.origin.model_dump_json() for refusal in refusals],
            [_findings_text(refusal.findings) for refusal in refusals],
        )


async def remember(connection: Connection, answers: Sequence[Answer]) -> int:
    """Take over answers that were given before; those that are known stay. Returns how many were not."""
    rows = await connection.fetch(
        _REMEMBER,
        [answer.document.document_id for answer in answers],
        [answer.raw_sha256 for answer in answers],
        [answer.document.accepted_at for answer in answers],
        [answer.created_at for answer in answers],
        [bool(answer.findings) for answer in answers],
    )
    new = {row["document_id"] for row in rows}
    refused = [answer for answer in answers if answer.findings and answer.document.document_id in new]
    await connection.execute(
        _REFUSE,
        [answer.document.accepted_at for answer in refused],
        [answer.document.document_id for answer in refused],
        [answer.raw_sha256 for answer in refused],
        [answer.document.source for answer in refused],
        [answer.document.erp_document_id for answer in refused],
        [answer.document.revision for answer in refused],
        [answer.origin and answer.origin.model_dump_json() for answer in refused],
        [_findings_text(answer.findings) for answer in refused],
    )
    return len(new)


async def findings_of(
    connection: Connection, accepted_at: datetime, candidate: Candidate
) -> tuple[Finding, ...]:
    """Why a document was refused when it came first; empty when that is not known."""
    text = await connection.fetchval(_FINDINGS, accepted_at, candidate.document_id, candidate.raw_sha256)
    return tuple(Finding.model_validate(item) for item in json.loads(text or "[]"))


async def accepted_at_of(database: Database, documents: Iterable[UUID]) -> dict[UUID, datetime]:
    """Since when documents are known; those that intake never saw are absent."""
    rows = await database.fetch(_ACCEPTED_AT, list(documents))
    return {row["document_id"]: row["accepted_at"] for row in rows}


def _findings_text(findings: Sequence[Finding]) -> str:
    return json.dumps(
        [finding.model_dump(mode="json", exclude_none=True) for finding in findings], ensure_ascii=False
    )
