"""What validator's books say, for whoever compares them with those of the other services. Read only."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from runtime.db import Database

PAGE = 2000

_ADMITTED = """
    select accepted_at, document_id from validator.document
    where (accepted_at, document_id) > ($1, $2) and verdict = 'admitted'
        and decided_at < now() - make_interval(secs => $3)
    order by accepted_at, document_id limit $4
"""
_AMONG = """
    select document_id from validator.document
    where (accepted_at, document_id) in (select * from unnest($1::timestamptz[], $2::uuid[]))
        and verdict = 'admitted'
"""
_NUMBERS = """
    select document_id, state, ksef_number from validator.fingerprint where document_id = any($1::uuid[])
"""
_BEFORE_ALL = UUID(int=0)

Key: TypeAlias = tuple[datetime, UUID]
"""Accepted at, document id: how every table that grows knows a document."""


@dataclass(frozen=True, slots=True)
class Number:
    """What its invoice number is to a document: ``held``, ``issued`` or ``free``."""

    state: str
    ksef_number: str | None


async def admitted(
    database: Database, *, since: datetime, settled_seconds: float
) -> AsyncIterator[list[Key]]:
    """Pages of the documents accepted since then and admitted at least ``settled_seconds`` ago."""
    after: Key = (since, _BEFORE_ALL)
    while rows := await database.fetch(_ADMITTED, *after, settled_seconds, PAGE):
        page: list[Key] = [(row["accepted_at"], row["document_id"]) for row in rows]
        yield page
        after = page[-1]


async def admitted_among(database: Database, keys: Collection[Key]) -> set[UUID]:
    """Which of these documents are admitted."""
    rows = await database.fetch(_AMONG, [key[0] for key in keys], [key[1] for key in keys])
    return {row["document_id"] for row in rows}


async def numbers(database: Database, documents: Collection[UUID]) -> dict[UUID, Number]:
    """The invoice numbers these documents have, or had last and nobody after them."""
    rows = await database.fetch(_NUMBERS, list(documents))
    return {row["document_id"]: Number(row["state"], row["ksef_number"]) for row in rows}
