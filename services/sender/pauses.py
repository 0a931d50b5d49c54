"""Stops by people: everything, one KSeF context, or one company waits until somebody lets it go on.

Nothing that was begun is broken off: a stop holds back what has not been claimed. Verdicts and receipts of
what KSeF has already are still fetched.
"""

from dataclasses import dataclass
from datetime import datetime

from contracts import events, ids
from contracts.envelope import caused
from contracts.sending import SendingSwitched
from runtime.db import Connection, Database
from runtime.loops import Stopping, repeat
from runtime.outbox import Outbox
from runtime.records import outbound
from runtime.wake import notify
from services.sender import metrics
from services.sender.announce import STAGE
from services.sender.store import CHANNEL

ALL = "all"
WATCH_SECONDS = 10.0
KINDS = (ALL, "context", "company")

_PAUSE = """
    insert into sender.pause (scope, paused_by, reason) values ($1, $2, $3)
    on conflict do nothing returning paused_at
"""
_RESUME = "delete from sender.pause where scope = $1 returning now()"
_ALL = "select scope, paused_at, paused_by, reason from sender.pause order by scope"
_CONTEXTS = "select key from sender.context order by key for update"
_MAKE_DUE = "update sender.context set due_at = least(due_at, now()) where key = any($1::text[])"


@dataclass(frozen=True, slots=True)
class Pause:
    """One stop."""

    scope: str
    paused_at: datetime
    paused_by: str
    reason: str | None


def scope_of(*, context: str | None = None, company: str | None = None) -> str:
    """What a stop is about: a context key, a company's NIP, or everything."""
    if context is not None:
        return f"context:{context}"
    return ALL if company is None else f"company:{company}"


async def pause(connection: Connection, scope: str, *, by: str, reason: str) -> bool:
    """Stop sending; False when it was stopped already. Senders obey from their next claim on."""
    at = await connection.fetchval(_PAUSE, scope, by, reason)
    if at is not None:
        await _tell(connection, SendingSwitched(scope=scope, paused=True, by=by, reason=reason, at=at))
    return at is not None


async def resume(connection: Connection, scope: str, *, by: str, reason: str) -> bool:
    """Let it go on; False when it was not stopped."""
    at = await connection.fetchval(_RESUME, scope)
    if at is not None:
        await _tell(connection, SendingSwitched(scope=scope, paused=False, by=by, reason=reason, at=at))
        keys = [row["key"] for row in await connection.fetch(_CONTEXTS)]
        await connection.execute(_MAKE_DUE, keys)
        await notify(connection, CHANNEL, keys)
    return at is not None


async def pauses(database: Database) -> list[Pause]:
    """All stops in force."""
    return [Pause(**dict(row)) for row in await database.fetch(_ALL)]


async def watch(database: Database, *, stopping: Stopping) -> None:
    """Keep the metric, until the process stops."""

    async def step() -> float:
        await measure(database)
        return WATCH_SECONDS

    await repeat("pauses", step, stopping=stopping)


async def measure(database: Database) -> None:
    """Set the metric to what is stopped now."""
    kinds = [found.scope.partition(":")[0] for found in await pauses(database)]
    for kind in KINDS:
        metrics.PAUSED.labels(kind).set(kinds.count(kind))


async def _tell(connection: Connection, switched: SendingSwitched) -> None:
    event = caused(
        stage=STAGE,
        cause=f"{switched.scope}:{switched.paused}:{switched.at.isoformat()}",
        index=0,
        type_=events.SWITCHED,
        subject=ids.subject_id("scope", switched.scope),
        at=switched.at,
        data=switched,
        traceparent=None,
    )
    await Outbox(STAGE).put(connection, [outbound(event)])
