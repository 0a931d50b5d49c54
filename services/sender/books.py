"""What sender's books say, for whoever compares them with those of the other services. Read only."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from runtime.db import Database
from services.sender.submission import State

PAGE = 2000

_ENTRIES = """
    select accepted_at, document_id, state, ksef_number from sender.submission
    where (accepted_at, document_id) > ($1, $2) and changed_at < now() - make_interval(secs => $3)
    order by accepted_at, document_id limit $4
"""
_AMONG = """
    select accepted_at, document_id, state, ksef_number from sender.submission
    where (accepted_at, document_id) in (select * from unnest($1::timestamptz[], $2::uuid[]))
        and changed_at < now() - make_interval(secs => $3)
"""
# Sessions that recovery took into the book have no key.
_NEWEST_KEY = """
    select session_id, key_sealed from sender.session where key_sealed <> '' order by opened_at desc limit 1
"""
_BEFORE_ALL = UUID(int=0)

Key: TypeAlias = tuple[datetime, UUID]
"""Accepted at, document id: how every table that grows knows a document."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a document stands with the sender."""

    accepted_at: datetime
    document_id: UUID
    state: State
    ksef_number: str | None

    @property
    def key(self) -> Key:
        return self.accepted_at, self.document_id


async def entries(
    database: Database, *, since: datetime, settled_seconds: float
) -> AsyncIterator[list[Entry]]:
    """Pages of the documents accepted since then that have been where they are for ``settled_seconds``."""
    after: Key = (since, _BEFORE_ALL)
    while rows := await database.fetch(_ENTRIES, *after, settled_seconds, PAGE):
        page = [_entry(row) for row in rows]
        yield page
        after = page[-1].key


async def entries_among(
    database: Database, keys: Collection[Key], *, settled_seconds: float = 0
) -> dict[UUID, Entry]:
    """Those of these documents that the sender has, where they are for ``settled_seconds`` at least."""
    rows = await database.fetch(_AMONG, [key[0] for key in keys], [key[1] for key in keys], settled_seconds)
    return {row["document_id"]: _entry(row) for row in rows}


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A session's key as it is kept: sealed under the master key, bound to the session's id."""

    session_id: UUID
    key_sealed: bytes = field(repr=False)


async def newest_sealed_key(database: Database) -> SealedKey | None:
    """The key of the newest session; None before the first one."""
    row = await database.fetchrow(_NEWEST_KEY)
    return None if row is None else SealedKey(row["session_id"], row["key_sealed"])


def _entry(row: Any) -> Entry:
    return Entry(
        accepted_at=row["accepted_at"],
        document_id=row["document_id"],
        state=State(row["state"]),
        ksef_number=row["ksef_number"],
    )
