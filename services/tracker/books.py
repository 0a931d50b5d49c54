"""What tracker's books say, for whoever compares them with those of the other services. Read only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from runtime.db import Database

_STANDINGS = """
    select document_id, state, ksef->>'ksef_number' as ksef_number from tracker.document
    where (accepted_at, document_id) in (select * from unnest($1::timestamptz[], $2::uuid[]))
"""

Key: TypeAlias = tuple[datetime, UUID]
"""Accepted at, document id: how every table that grows knows a document."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What was told about a document so far."""

    state: str
    ksef_number: str | None


async def standings(database: Database, keys: Collection[Key]) -> dict[UUID, Standing]:
    """Those of these documents that the tracker knows."""
    rows = await database.fetch(_STANDINGS, [key[0] for key in keys], [key[1] for key in keys])
    return {row["document_id"]: Standing(row["state"], row["ksef_number"]) for row in rows}
