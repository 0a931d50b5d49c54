"""The payload store: bytes by (month, SHA-256). Writing twice stores once; reading verifies the hash."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import date

from contracts.content import INLINE_LIMIT_BYTES, Content, InlineContent, StoredContent, inline
from runtime.db import Connection, Database
from runtime.errors import CourierError

_PUT = """
    insert into payload.object (stored_on, sha256, size_bytes, bytes)
    select distinct on (stored_on, sha256) stored_on, sha256, octet_length(bytes), bytes
    from unnest($1::date[], $2::bytea[], $3::bytea[]) as new (stored_on, sha256, bytes)
    on conflict do nothing
"""
_GET = "select bytes from payload.object where stored_on = $1 and sha256 = $2"


class PayloadMissing(CourierError):
    """A claim check whose bytes are not there (yet, after a restore)."""


class PayloadDamaged(PayloadMissing):
    """The bytes are not what they were: for a person, not to be guessed."""


class PayloadStore:
    """The store in PostgreSQL. ``stored_on`` is the first day of a month whose partition exists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, connection: Connection, objects: Sequence[tuple[date, bytes]]) -> list[StoredContent]:
        """Store in the caller's transaction; returns the claim checks, in order."""
        checks = [
            StoredContent(stored_on=month, sha256=hashlib.sha256(raw).hexdigest(), size_bytes=len(raw))
            for month, raw in objects
        ]
        if objects:
            await connection.execute(
                _PUT,
                [check.stored_on for check in checks],
                [bytes.fromhex(check.sha256) for check in checks],
                [raw for _, raw in objects],
            )
        return checks

    async def read(self, content: Content) -> bytes:
        """The bytes of a message's content, wherever they are. Raises :class:`PayloadMissing`."""
        if isinstance(content, InlineContent):
            return _by_value(content)
        raw = await self._database.fetchval(_GET, content.stored_on, bytes.fromhex(content.sha256))
        if raw is None:
            raise PayloadMissing(f"payload {content.stored_on:%Y-%m}/{content.sha256} is not in the store")
        stored: bytes = raw
        digest = (
            await asyncio.to_thread(hashlib.sha256, stored)
            if len(stored) > 1_000_000
            else hashlib.sha256(stored)
        )
        if digest.hexdigest() != content.sha256:
            raise PayloadDamaged(
                f"payload {content.stored_on:%Y-%m}/{content.sha256} has other bytes than its name"
            )
        return stored


def _by_value(content: InlineContent) -> bytes:
    try:
        return content.to_bytes()
    except ValueError:
        raise PayloadDamaged(f"inline content {content.sha256} has other bytes than its name") from None


def by_value_or_check(raw: bytes, check: StoredContent) -> Content:
    """How a message carries bytes that are stored as well: by value while small."""
    return inline(raw) if len(raw) <= INLINE_LIMIT_BYTES else check
