"""The tables of recovery: how far sending has got, what KSeF was found to hold, who adopted it.

As in :mod:`services.sender.store`, every write under a lease is fenced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ksef
from contracts.sending import ContextAdvanced
from runtime.db import Connection, Database
from runtime.lease import Lease
from runtime.wake import notify
from services.sender.store import CHANNEL, Entry, Ledger, Submission, entry_for, journal, submission_of

# The fence jumps over whatever a process of the lost time may still hold; the lease is given up with it.
_FALL_BEHIND = """
    update sender.context
    set claims = greatest(claims, $3), fence = greatest(fence, $4) + 1,
        recover_since = least(recover_since, coalesce(claimed_at, now() - make_interval(days => $5))),
        lease_owner = null, lease_until = null, due_at = now()
    where key = $1 and fence = $2 returning recover_since
"""
_MARK = """
    insert into sender.context as c (key, claims, fence, recover_since, due_at)
    select key, claims, fence, $4::timestamptz, now() from unnest($1::text[], $2::bigint[], $3::bigint[])
        as kept (key, claims, fence)
    on conflict (key) do update
    set claims = greatest(c.claims, excluded.claims), fence = greatest(c.fence, excluded.fence) + 1,
        -- Whatever the operator says: not later than the last claim that this database knows of.
        recover_since = least(c.recover_since, excluded.recover_since,
                              case when excluded.claims > c.claims then c.claimed_at end),
        lease_owner = null, lease_until = null, due_at = now()
    returning key
"""
_KNOWN_CONTEXTS = "select key from sender.context order by key"
# What this database believes of its last sessions is old: flagged at once, before anybody ends one of them.
_LOOK_AGAIN = """
    update sender.session set recovered = true
    where context_key = any($1::text[]) and state in ('open', 'closing', 'closed')
"""
_ADD_SESSIONS = """
    insert into sender.session
        (session_id, context_key, fence, state, key_sealed, reference, valid_until, closed_at, recovered)
    select gen_random_uuid(), $1, $2, new.state, ''::bytea,
        new.reference, new.valid_until, new.closed_at, true
    from unnest($3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
        as new (reference, state, valid_until, closed_at)
    where not exists (select 1 from sender.session s where s.context_key = $1 and s.reference = new.reference)
    returning session_id
"""
_LISTED = "update sender.context set recover_since = null where key = $1"
# Of several answers to the same bytes the accepted one counts, then one that is still being processed.
_ADOPTABLE = """
    select s.accepted_at, s.document_id, f.session_reference, f.invoice_reference
    from sender.submission s cross join lateral (
        select session_reference, invoice_reference from sender.found f
        where f.context_key = s.context_key and f.invoice_hash = s.invoice_hash and f.adopted_at is null
        order by case when f.status_code = 200 then 0 when f.status_code < 200 then 1 else 2 end, f.found_at
        limit 1
    ) f
    where s.context_key = $1 and s.state = 'ready' order by s.accepted_at, s.document_id limit $2
"""
_ADOPT = """
    update sender.submission s
    set state = 'sent', attempt = attempt + 1, session_opened_at = null, session_id = null,
        session_reference = n.session_reference, invoice_reference = n.invoice_reference, asked = 0,
        next_at = now(), changed_at = now()
    from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[])
        as n (accepted_at, document_id, session_reference, invoice_reference)
    where s.accepted_at = n.accepted_at and s.document_id = n.document_id and s.state = 'ready'
    returning s.*
"""
_ADOPTED = """
    update sender.found set adopted_at = now()
    where context_key = $1 and invoice_hash = any($2::text[]) and adopted_at is null
"""
_STANDINGS = """
    select c.key, c.recover_since, count(r.session_id) as sessions
    from sender.context c left join sender.session r
        on r.context_key = c.key and r.recovered and r.state not in ('final', 'void')
    group by c.key, c.recover_since having c.recover_since is not null or count(r.session_id) > 0
    order by c.key
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A context that recovery is not done with: what is still to be listed."""

    context_key: str
    recover_since: datetime | None
    sessions: int


async def fall_behind(
    ledger: Ledger, lease: Lease, *, kept: ContextAdvanced, unknown_days: int
) -> datetime | None:
    """The database is older than what was sent: give the lease up, and send nothing before it is looked up.

    Looked up since the last claim the database knows of; ``unknown_days`` back if it knows of none.
    """
    async with ledger.fenced(lease) as connection:
        detail = {"claims": kept.claims, "kept_at": kept.at.isoformat()}
        await journal(connection, lease, [Entry("database-behind", detail=detail)])
        await connection.execute(_LOOK_AGAIN, [lease.key])
        since: datetime | None = await connection.fetchval(
            _FALL_BEHIND, lease.key, lease.fence, kept.claims, kept.fence, unknown_days
        )
        return since


async def mark(connection: Connection, *, since: datetime, kept: Sequence[ContextAdvanced]) -> list[str]:
    """Have every context looked up at KSeF, those too that only ``kept`` knows of. Returns their keys."""
    by_key = {row["key"]: (0, 0) for row in await connection.fetch(_KNOWN_CONTEXTS)}
    by_key |= {advanced.context_key: (advanced.claims, advanced.fence) for advanced in kept}
    keys = sorted(by_key)
    await connection.fetch(
        _MARK, keys, [by_key[key][0] for key in keys], [by_key[key][1] for key in keys], since
    )
    await connection.execute(_LOOK_AGAIN, keys)
    await notify(connection, CHANNEL, keys)
    return keys


async def add_sessions(ledger: Ledger, lease: Lease, sessions: Sequence[ksef.SessionStatus]) -> int:
    """Take KSeF's sessions into the book, to be ended and listed; how many it had not known."""
    async with ledger.fenced(lease) as connection:
        rows = await connection.fetch(
            _ADD_SESSIONS,
            lease.key,
            lease.fence,
            [session.reference for session in sessions],
            ["closed" if session.phase.is_final else "closing" for session in sessions],
            [session.valid_until for session in sessions],
            [session.updated_at if session.phase.is_final else None for session in sessions],
        )
        await connection.execute(_LISTED, lease.key)
        entry = Entry("sessions-listed", detail={"listed": len(sessions), "unknown": len(rows)})
        await journal(connection, lease, [entry])
        return len(rows)


async def adopt(connection: Connection, lease: Lease, *, limit: int) -> list[Submission]:
    """Ready documents whose bytes KSeF has already: sent, in the caller's fenced transaction."""
    rows = await connection.fetch(_ADOPTABLE, lease.key, limit)
    if not rows:
        return []
    columns = ("accepted_at", "document_id", "session_reference", "invoice_reference")
    adopted = [
        submission_of(row)
        for row in await connection.fetch(_ADOPT, *([row[name] for row in rows] for name in columns))
    ]
    await connection.execute(_ADOPTED, lease.key, [submission.invoice_hash for submission in adopted])
    entries = [_adopted_entry(submission) for submission in adopted]
    await journal(connection, lease, entries)
    return adopted


async def standings(database: Database) -> list[Standing]:
    """The contexts that wait for recovery."""
    rows: Sequence[Mapping[str, Any]] = await database.fetch(_STANDINGS)
    return [Standing(row["key"], row["recover_since"], row["sessions"]) for row in rows]


def _adopted_entry(submission: Submission) -> Entry:
    return entry_for(
        "found-at-ksef",
        submission,
        session=submission.session_reference,
        reference=submission.invoice_reference,
    )
