"""Acts of people: who did what, about which thing, when and why.

Invariant: an act is written once and never changed (the table refuses it). It is written by whoever carries
the act out: in the same transaction where there is one, after the effect is confirmed where there is not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from runtime.db import Connection, Database

_RECORD = """
    insert into operations.act (act_id, who, what, about, reason, detail)
    values ($1, $2, $3, $4, $5, $6::jsonb)
"""
_LATEST = """
    select at, act_id, who, what, about, reason, detail from operations.act
    where ($1::text is null or what = $1) and ($2::text is null or about = $2)
    order by at desc, act_id limit $3
"""
_LATEST_OF_EACH = """
    select distinct on (about) at, act_id, who, what, about, reason, detail from operations.act
    where what = $1 and about = any($2::text[]) order by about, at desc
"""


@dataclass(frozen=True, slots=True)
class Act:
    """One act. ``what`` is a constant, ``about`` the key of the thing it was done to."""

    at: datetime
    act_id: UUID
    who: str
    what: str
    about: str
    reason: str
    detail: Mapping[str, Any]


async def record(
    connection: Connection, *, who: str, what: str, about: str, reason: str, detail: Mapping[str, Any]
) -> UUID:
    """Write an act down, as of the database's time. ``detail`` is JSON: ids and counts, never a document."""
    act_id = uuid4()
    text = json.dumps(dict(detail), ensure_ascii=False)
    await connection.execute(_RECORD, act_id, who, what, about, reason, text)
    return act_id


async def latest(
    database: Database, *, what: str | None = None, about: str | None = None, limit: int
) -> list[Act]:
    """The newest acts, newest first; of one kind, about one thing, if given."""
    return [_act(row) for row in await database.fetch(_LATEST, what, about, limit)]


async def latest_of_each(database: Database, *, what: str, about: Sequence[str]) -> dict[str, Act]:
    """The newest act of one kind about each of these things; those never acted upon are absent."""
    rows = await database.fetch(_LATEST_OF_EACH, what, list(about))
    return {row["about"]: _act(row) for row in rows}


def _act(row: asyncpg.Record) -> Act:
    return Act(
        at=row["at"],
        act_id=row["act_id"],
        who=row["who"],
        what=row["what"],
        about=row["about"],
        reason=row["reason"],
        detail=json.loads(row["detail"]),
    )
