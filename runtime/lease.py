"""Leases with a fencing token: one owner at a time, and a former owner can write nothing.

A lease table has the columns ``key text primary key, due_at timestamptz, lease_owner text,
lease_until timestamptz, fence bigint`` beside its own. Time is the database's clock. The fence grows with
every take-over; **every** write on behalf of a lease starts with :meth:`Leases.guard` in its transaction,
recovery writes included. The owner is compared as well: a database that lost its last commits hands out a
fence again. The deadline in :class:`Lease` is this process's own, earlier estimate, to be asked
before every call to the outside.

Taking a lease consumes the due time (``infinity``); work that arrives meanwhile makes the key due again, so
that a release never hides it. An owner that died is seen by its lease having run out unreleased.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from runtime.db import Connection, Database
from runtime.errors import LeaseLost

# A dead owner's key has waited since its lease ran out, whatever its due time says.
_TAKE = """
    with free as materialized (
        select key from {table}
        where case when lease_owner is null then due_at <= now() else lease_until < now() end
        order by least(due_at, lease_until) limit $3 for update skip locked
    )
    update {table} as held set lease_owner = $1, lease_until = now() + make_interval(secs => $2),
        fence = held.fence + 1, due_at = 'infinity'
    from free where held.key = free.key
    returning held.key, held.fence
"""
_RENEW = """
    update {table} set lease_until = now() + make_interval(secs => $3)
    where key = $1 and fence = $2 and lease_owner = $4 and lease_until >= now() returning key
"""
_RELEASE = """
    update {table} set lease_owner = null, lease_until = null,
        due_at = least(due_at, now() + make_interval(secs => $3))
    where key = $1 and fence = $2 and lease_owner = $4 returning key
"""
_GUARD = "select 1 from {table} where key = $1 and fence = $2 and lease_owner = $3 for update"
_CONSUME_DUE = """
    update {table} set due_at = 'infinity' where key = $1 and fence = $2 and lease_owner = $3 returning key
"""
_DUE = "update {table} set due_at = least(due_at, now()) where key = any($1::text[])"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on ``key``, under fence ``fence``, until ``deadline`` on this process's clock."""

    key: str
    fence: int
    deadline: float
    """Seconds of :func:`time.monotonic`, counted from before the database was asked."""


class Leases:
    """The leases of one table."""

    def __init__(
        self, table: str, *, owner: str, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        self.owner = owner
        self._clock = clock
        self._take, self._renew, self._release, self._guard, self._consume, self._due = (
            sql.format(table=table) for sql in (_TAKE, _RENEW, _RELEASE, _GUARD, _CONSUME_DUE, _DUE)
        )

    async def take(self, database: Database, *, limit: int) -> list[Lease]:
        """Acquire up to ``limit`` leases on keys that are due and free, the longest due first."""
        asked_at = self._clock()
        rows = await database.fetch(self._take, self.owner, self.seconds, limit)
        return [Lease(key=row["key"], fence=row["fence"], deadline=asked_at + self.seconds) for row in rows]

    async def renew(self, database: Database, lease: Lease) -> Lease:
        """The same lease with a later deadline. Raises :class:`LeaseLost`."""
        asked_at = self._clock()
        if await database.fetchval(self._renew, lease.key, lease.fence, self.seconds, self.owner) is None:
            raise LeaseLost(f"the lease on {lease.key} (fence {lease.fence}) was taken over or ran out")
        return Lease(key=lease.key, fence=lease.fence, deadline=asked_at + self.seconds)

    async def release(self, database: Database, lease: Lease, *, due_in_seconds: float | None) -> None:
        """Give it back, due again after so long at the latest; None: when work arrives."""
        await database.fetchval(self._release, lease.key, lease.fence, due_in_seconds, self.owner)

    async def guard(self, connection: Connection, lease: Lease) -> None:
        """Lock the row for this transaction. Raises :class:`LeaseLost` when the fence is not ours."""
        if await connection.fetchval(self._guard, lease.key, lease.fence, self.owner) is None:
            raise LeaseLost(f"the lease on {lease.key} (fence {lease.fence}) was taken over")

    async def guard_and_consume(self, connection: Connection, lease: Lease) -> None:
        """:meth:`guard`, and take note of all work that arrived so far: the caller looks at it now."""
        if await connection.fetchval(self._consume, lease.key, lease.fence, self.owner) is None:
            raise LeaseLost(f"the lease on {lease.key} (fence {lease.fence}) was taken over")

    async def make_due(self, connection: Connection, keys: list[str]) -> None:
        """There is work for these keys now."""
        await connection.execute(self._due, keys)

    def remaining(self, lease: Lease) -> float:
        """Seconds left by this process's own clock; may be negative."""
        return lease.deadline - self._clock()
