"""validator's tables: all SQL of the service.

Locks on fingerprints are always taken in the order of their key, so that two batches cannot wait for each
other in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.sales import DocumentAdmitted, DocumentRef
from runtime.db import Connection
from services.validator.admission import Admitted, Claim, Fingerprint, Holding, Refused, Verdict, Waiting

_ADD = """
    insert into validator.document
        (accepted_at, document_id, verdict, seller_nip, kind, number, content_hash, traceparent)
    select * from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
                         $7::bytea[], $8::text[])
    on conflict do nothing
    returning document_id
"""
_CLAIM = """
    insert into validator.fingerprint (seller_nip, kind, number, state, document_id, content_hash)
    select distinct on (seller_nip, kind, number) seller_nip, kind, number, 'held', document_id, content_hash
    from unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::bytea[]) with ordinality
        as new (seller_nip, kind, number, document_id, content_hash, position)
    order by seller_nip, kind, number, position
    on conflict do nothing
    returning document_id
"""
_LOCK = """
    select f.seller_nip, f.kind, f.number, f.state, f.document_id, f.content_hash, f.ksef_number
    from validator.fingerprint f
    join (select distinct * from unnest($1::text[], $2::text[], $3::text[]) as k (seller_nip, kind, number)) k
        using (seller_nip, kind, number)
    order by f.seller_nip, f.kind, f.number for update of f
"""
_HELD_BY = """
    select seller_nip, kind, number, state, document_id, content_hash, ksef_number
    from validator.fingerprint where document_id = any($1::uuid[])
    order by seller_nip, kind, number for update
"""
_HOLD = """
    update validator.fingerprint
    set state = $4, document_id = $5, content_hash = $6, ksef_number = $7, changed_at = now()
    where seller_nip = $1 and kind = $2 and number = $3
"""
_DECIDE = """
    update validator.document d
    set verdict = new.verdict, waits_for = new.waits_for, pending = new.pending, decided_at = now()
    from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::uuid[], $5::jsonb[])
        as new (accepted_at, document_id, verdict, waits_for, pending)
    where d.accepted_at = new.accepted_at and d.document_id = new.document_id
"""
_WAITING = """
    select document_id, content_hash, pending, traceparent
    from validator.document
    where verdict = 'waiting' and seller_nip = $1 and kind = $2 and number = $3
    order by accepted_at, document_id
"""
_REMEMBER_REFUSED = """
    insert into validator.document (accepted_at, document_id, verdict)
    select accepted_at, document_id, 'refused' from unnest($1::timestamptz[], $2::uuid[])
        as new (accepted_at, document_id)
    on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class New:
    """A document that reached the validator; ``verdict`` before its number was asked for."""

    accepted_at: datetime
    claim: Claim
    traceparent: str | None
    refused: bool


@dataclass(frozen=True, slots=True)
class Waiter:
    """A document that waits for a number, and what to publish when it gets it."""

    claim: Claim
    pending: DocumentAdmitted
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Decided:
    """A verdict to write. One that waits keeps ``pending``: what is published once it is admitted."""

    document: DocumentRef
    verdict: Verdict
    pending: DocumentAdmitted | None


async def add(connection: Connection, documents: Sequence[New]) -> set[UUID]:
    """Remember the documents; returns the ids that were not known before."""
    rows = await connection.fetch(
        _ADD,
        [document.accepted_at for document in documents],
        [document.claim.document_id for document in documents],
        ["refused" if document.refused else "admitted" for document in documents],
        [document.claim.fingerprint.seller_nip for document in documents],
        [document.claim.fingerprint.kind for document in documents],
        [document.claim.fingerprint.number for document in documents],
        [document.claim.content_hash for document in documents],
        [document.traceparent for document in documents],
    )
    return {row["document_id"] for row in rows}


async def claim(connection: Connection, claims: Sequence[Claim]) -> set[UUID]:
    """Reserve the numbers nobody had before; returns who got theirs: of several in one call the first."""
    rows = await connection.fetch(
        _CLAIM,
        *_keys(claim.fingerprint for claim in claims),
        [claim.document_id for claim in claims],
        [claim.content_hash for claim in claims],
    )
    return {row["document_id"] for row in rows}


async def lock(connection: Connection, fingerprints: Iterable[Fingerprint]) -> dict[Fingerprint, Holding]:
    """The rows of these numbers, locked until the transaction ends."""
    rows = await connection.fetch(_LOCK, *_keys(fingerprints))
    return dict(_holding(row) for row in rows)


async def lock_held_by(connection: Connection, documents: Sequence[UUID]) -> dict[Fingerprint, Holding]:
    """The numbers these documents have, locked until the transaction ends."""
    rows = await connection.fetch(_HELD_BY, documents)
    return dict(_holding(row) for row in rows)


async def hold(connection: Connection, fingerprint: Fingerprint, holding: Holding) -> None:
    """Write a number's row; the caller has locked it."""
    await connection.execute(
        _HOLD,
        fingerprint.seller_nip,
        fingerprint.kind,
        fingerprint.number,
        holding.state,
        holding.document_id,
        holding.content_hash,
        holding.ksef_number,
    )


async def decide(connection: Connection, decided: Sequence[Decided]) -> None:
    """Write verdicts over documents that were added."""
    if not decided:
        return
    await connection.execute(
        _DECIDE,
        [item.document.accepted_at for item in decided],
        [item.document.document_id for item in decided],
        [_VERDICT_NAMES[type(item.verdict)] for item in decided],
        [item.verdict.holder if isinstance(item.verdict, Waiting) else None for item in decided],
        [
            item.pending.model_dump_json() if item.pending and isinstance(item.verdict, Waiting) else None
            for item in decided
        ],
    )


async def waiting_for(connection: Connection, fingerprint: Fingerprint) -> list[Waiter]:
    """Who waits for a number, the earliest accepted first. The caller has locked the number's row."""
    rows = await connection.fetch(_WAITING, fingerprint.seller_nip, fingerprint.kind, fingerprint.number)
    return [
        Waiter(
            claim=Claim(row["document_id"], row["content_hash"], fingerprint),
            pending=DocumentAdmitted.model_validate_json(row["pending"]),
            traceparent=row["traceparent"],
        )
        for row in rows
    ]


async def remember_refused(connection: Connection, documents: Mapping[UUID, datetime]) -> None:
    """Documents that were refused before they came here: should they come after all, they are known."""
    await connection.execute(_REMEMBER_REFUSED, list(documents.values()), list(documents))


_VERDICT_NAMES: dict[type[Verdict], str] = {Admitted: "admitted", Waiting: "waiting", Refused: "refused"}


def _keys(fingerprints: Iterable[Fingerprint]) -> tuple[list[str], list[str], list[str]]:
    keys = list(fingerprints)
    return [key.seller_nip for key in keys], [key.kind for key in keys], [key.number for key in keys]


def _holding(row: Mapping[str, object]) -> tuple[Fingerprint, Holding]:
    fingerprint = Fingerprint(str(row["seller_nip"]), str(row["kind"]), str(row["number"]))
    return fingerprint, Holding(row["state"], row["document_id"], row["content_hash"], row["ksef_number"])  # type: ignore[arg-type]  # a database row
