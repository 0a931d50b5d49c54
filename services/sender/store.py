"""sender's tables: all SQL of the service.

Every function that writes for a ``lease`` begins by locking the context's row and comparing the fence, so
that a former owner's write fails whatever it is about.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from contracts.content import StoredContent
from contracts.sales import DocumentRef, InvoiceFacts
from runtime.db import Connection, Database
from runtime.lease import Lease, Leases
from runtime.wake import notify
from services.sender.submission import State, check_transition

CHANNEL = "sender"
READY_LIMIT = 100

_ADD_CONTEXTS = """
    insert into sender.context (key) select distinct key from unnest($1::text[]) as key on conflict do nothing
"""
_ADD = """
    insert into sender.submission
        (accepted_at, document_id, context_key, state, document, facts, xml, invoice_hash, traceparent)
    select accepted_at, document_id, context_key, 'ready', document, facts, xml, invoice_hash, traceparent
    from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::jsonb[], $5::jsonb[], $6::jsonb[], $7::text[],
                $8::text[])
        as new (accepted_at, document_id, context_key, document, facts, xml, invoice_hash, traceparent)
    on conflict do nothing
    returning context_key
"""
_MAKE_DUE = """
    update sender.context set due_at = least(due_at, now())
    where key in (select key from sender.context where key = any($1::text[]) order by key for update)
"""
_COUNT_READY = """
    select count(*) from (
        select 1 from sender.sendable where context_key = $1 and next_at <= now() limit $2
    ) as first
"""
_DUE = """
    select * from sender.submission
    where context_key = $1 and state in ('sent', 'issued') and next_at <= now() order by next_at limit $2
"""
_NEXT_IN = """
    select extract(epoch from least(
        (select min(next_at) from sender.submission where context_key = $1 and state in ('sent', 'issued')),
        case when $2 then (select min(next_at) from sender.sendable where context_key = $1) end,
        (select min(next_at) from sender.session where context_key = $1 and state in ('closing', 'closed'))
    ) - now())::float8
"""
_OPEN_ENDS = """
    select exists (select 1 from sender.submission where context_key = $1
                   and state in ('sending', 'in-doubt', 'sent', 'issued'))
        or exists (select 1 from sender.sendable where context_key = $1)
        or exists (select 1 from sender.session where context_key = $1 and state not in ('final', 'void'))
        or exists (select 1 from sender.context where key = $1 and recover_since is not null)
"""
_REST = """
    update sender.context set rests_until = now() + make_interval(secs => $2), rests_because = $3
    where key = $1
"""
_CLAIMS = "select claims from sender.context where key = $1"
_RECOVER_SINCE = "select recover_since from sender.context where key = $1"
# Not before every list is read: of several answers to the same bytes the accepted one is to be adopted.
_ANY_FOUND = """
    select exists (select 1 from sender.found f
                   join sender.submission s on s.context_key = f.context_key
                       and s.invoice_hash = f.invoice_hash and s.state = 'ready'
                   where f.context_key = $1 and f.adopted_at is null)
        and not exists (select 1 from sender.session where context_key = $1 and recovered
                        and state not in ('final', 'void'))
        and not exists (select 1 from sender.context where key = $1 and recover_since is not null)
"""
_FIRST_TRACE = """
    select traceparent from sender.sendable
    where context_key = $1 and next_at <= now() order by accepted_at limit 1
"""
_DUE_SESSIONS = """
    select * from sender.session
    where context_key = $1 and state in ('closing', 'closed') and next_at <= now() order by opened_at
"""
_CLAIM = """
    update sender.submission s
    set state = 'sending', attempt = attempt + 1, session_opened_at = $2, session_id = $3,
        session_reference = $4, invoice_reference = null, asked = 0, changed_at = now()
    from (select accepted_at, document_id from sender.sendable
          where context_key = $1 and next_at <= now()
          order by accepted_at, document_id limit $5) as first
    where s.accepted_at = first.accepted_at and s.document_id = first.document_id and s.state = 'ready'
    returning s.*
"""
_ADVANCE = """
    update sender.context set claims = claims + 1, claimed_at = now() where key = $1 returning claims
"""
_SAVE = """
    update sender.submission s
    set state = n.state, attempt = n.attempt,
        session_reference = n.session_reference, invoice_reference = n.invoice_reference,
        ksef_number = n.ksef_number, acquired_at = n.acquired_at, invoicing_mode = n.invoicing_mode,
        status_code = n.status_code, upo = n.upo, asked = n.asked,
        next_at = now() + make_interval(secs => n.due_in_seconds),
        changed_at = case when s.state = n.state then s.changed_at else now() end
    from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::timestamptz[], $9::text[], $10::integer[], $11::jsonb[], $12::integer[], $13::float8[],
                $14::integer[])
        as n (accepted_at, document_id, expected, state, session_reference, invoice_reference, ksef_number,
              acquired_at, invoicing_mode, status_code, upo, asked, due_in_seconds, attempt)
    where s.accepted_at = n.accepted_at and s.document_id = n.document_id and s.state = n.expected
    returning s.document_id
"""
_UNRESOLVED = """
    select * from sender.submission
    where context_key = $1 and session_id = $2 and state in ('sending', 'in-doubt', 'sent')
"""
_OWN_NUMBER = "select document_id from sender.submission where ksef_number = $1"
_OPENING = """
    insert into sender.session (session_id, context_key, fence, state, key_sealed)
    values ($1, $2, $3, 'opening', $4) returning *
"""
_SESSION = """
    update sender.session
    set state = $3, reference = coalesce($4, reference), valid_until = coalesce($5, valid_until),
        closed_at = case when $3 = 'closed' and closed_at is null then now() else closed_at end,
        asked = $6, next_at = now() + make_interval(secs => $7)
    where opened_at = $1 and session_id = $2 returning *
"""
_KEEP_FOUND = """
    insert into sender.found (context_key, invoice_hash, session_reference, invoice_reference, status_code)
    select $1, invoice_hash, $2, invoice_reference, status_code
    from unnest($3::text[], $4::text[], $5::integer[]) as new (invoice_hash, invoice_reference, status_code)
"""
_FINAL = """
    update sender.session set state = 'final' where opened_at = $1 and session_id = $2 returning *
"""
_VOID_OLDER = """
    update sender.session set state = 'void'
    where context_key = $1 and fence < $2 and state = 'opening' returning session_id
"""
_CLOSE_OLDER = """
    update sender.session set state = 'closing', next_at = now()
    where context_key = $1 and fence < $2 and state = 'open' returning session_id
"""
_JOURNAL = """
    insert into sender.journal (context_key, fence, event, document_id, session_id, attempt, detail)
    select $1, $2, event, document_id, session_id, attempt, detail
    from unnest($3::text[], $4::uuid[], $5::uuid[], $6::integer[], $7::jsonb[]) with ordinality
        as new (event, document_id, session_id, attempt, detail, position)
    order by position
"""
_SECONDS_SINCE_CLOSE = """
    select extract(epoch from now() - closed_at)::float8 from sender.session
    where opened_at = $1 and session_id = $2
"""
_STATES = """
    select s.document_id, s.state
    from unnest($1::timestamptz[], $2::uuid[]) as asked (accepted_at, document_id)
    join sender.submission s on s.accepted_at = asked.accepted_at and s.document_id = asked.document_id
"""


class SessionState(StrEnum):
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    """It takes no more; KSeF is to be told."""
    CLOSED = "closed"
    """KSeF was told; its last invoices may still be in progress."""
    FINAL = "final"
    """Listed after its end: every document of ours in it has its answer."""
    VOID = "void"
    """Never opened, as far as anybody can know; nothing was sent in it."""


@dataclass(frozen=True, slots=True)
class Session:
    """A KSeF session of ours. ``key_sealed`` opens with the installation's master key."""

    opened_at: datetime
    session_id: UUID
    context_key: str
    fence: int
    state: SessionState
    key_sealed: bytes = field(repr=False)
    reference: str | None = None
    valid_until: datetime | None = None
    asked: int = 0
    recovered: bool = False
    """Its whole list is to be kept: it may hold what this database has forgotten."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A document on its way to KSeF."""

    document: DocumentRef
    context_key: str
    state: State
    attempt: int
    facts: InvoiceFacts
    xml: StoredContent
    invoice_hash: str
    session_id: UUID | None = None
    session_reference: str | None = None
    invoice_reference: str | None = None
    ksef_number: str | None = None
    acquired_at: datetime | None = None
    invoicing_mode: str | None = None
    status_code: int | None = None
    upo: StoredContent | None = None
    asked: int = 0
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An invoice in the list of a session that recovery looked at."""

    invoice_hash: str
    invoice_reference: str
    status_code: int


@dataclass(frozen=True, slots=True)
class Change:
    """A submission before and after a step; due again after so long."""

    before: Submission
    after: Submission
    due_in_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal. ``detail`` holds references and codes, never content."""

    event: str
    document_id: UUID | None = None
    session_id: UUID | None = None
    attempt: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """Documents about to be posted. ``number`` counts the claims of the context; 0 for an empty one."""

    submissions: tuple[Submission, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do for a context."""

    ready: int
    """How many may be sent now (the view ``sender.sendable``), counted up to ``READY_LIMIT``."""
    due: tuple[Submission, ...]
    sessions: tuple[Session, ...]
    """Ended ones whose documents do not all have their answer, due to be looked at."""
    next_in_seconds: float | None
    open_ends: bool
    """Something is under way, due or not."""
    recover_since: datetime | None = None
    """Sessions that KSeF opened since then must be listed before anything is sent."""
    found: bool = False
    """Recovery found invoices whose very bytes are ready to be sent."""
    first_trace: str | None = None
    """The trace of the document that has been ready longest."""


async def take_over(connection: Connection, submissions: Sequence[Submission]) -> None:
    """Rows for admitted documents; those that are there stay as they are. Wakes whoever sends for them."""
    await connection.execute(_ADD_CONTEXTS, [submission.context_key for submission in submissions])
    rows = await connection.fetch(
        _ADD,
        [submission.document.accepted_at for submission in submissions],
        [submission.document.document_id for submission in submissions],
        [submission.context_key for submission in submissions],
        [submission.document.model_dump_json() for submission in submissions],
        [submission.facts.model_dump_json(exclude_none=True) for submission in submissions],
        [submission.xml.model_dump_json() for submission in submissions],
        [submission.invoice_hash for submission in submissions],
        [submission.traceparent for submission in submissions],
    )
    # In the order of the key, so that two consumers cannot wait for each other in a circle.
    contexts = sorted({row["context_key"] for row in rows})
    if contexts:
        await connection.execute(_MAKE_DUE, contexts)
        await notify(connection, CHANNEL, contexts)


class Ledger:
    """The tables as one lease's owner sees them."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._database = database
        self._leases = leases

    @asynccontextmanager
    async def fenced(self, lease: Lease) -> AsyncIterator[Connection]:
        """A transaction in which this lease surely is the newest. Raises LeaseLost."""
        async with self._database.transaction() as connection:
            await self._leases.guard(connection, lease)
            yield connection

    async def look(self, lease: Lease, *, limit: int) -> Work:
        """All there is to do now; news that arrived so far count as seen."""
        async with self._database.transaction() as connection:
            await self._leases.guard_and_consume(connection, lease)
            key = lease.key
            ready = await connection.fetchval(_COUNT_READY, key, READY_LIMIT)
            return Work(
                ready=ready,
                due=tuple(map(submission_of, await connection.fetch(_DUE, key, limit))),
                sessions=tuple(map(_session, await connection.fetch(_DUE_SESSIONS, key))),
                next_in_seconds=await connection.fetchval(_NEXT_IN, key, ready == 0),
                open_ends=await connection.fetchval(_OPEN_ENDS, key),
                recover_since=await connection.fetchval(_RECOVER_SINCE, key),
                found=await connection.fetchval(_ANY_FOUND, key),
                first_trace=await connection.fetchval(_FIRST_TRACE, key),
            )

    async def end_older_sessions(self, lease: Lease) -> None:
        """Sessions of former owners take no more: the opened ones are to be closed, the others never were."""
        async with self.fenced(lease) as connection:
            void = await connection.fetch(_VOID_OLDER, lease.key, lease.fence)
            closing = await connection.fetch(_CLOSE_OLDER, lease.key, lease.fence)
            await journal(
                connection,
                lease,
                [Entry("session-void", session_id=row["session_id"]) for row in void]
                + [Entry("session-taken-over", session_id=row["session_id"]) for row in closing],
            )

    async def begin_session(self, lease: Lease, *, session_id: UUID, key_sealed: bytes) -> Session:
        """Write a session down before it is opened."""
        async with self.fenced(lease) as connection:
            row = await connection.fetchrow(_OPENING, session_id, lease.key, lease.fence, key_sealed)
            await journal(connection, lease, [Entry("session-opening", session_id=session_id)])
            return _session(row)

    async def change_session(
        self,
        lease: Lease,
        session: Session,
        *,
        to: SessionState,
        event: str,
        reference: str | None = None,
        valid_until: datetime | None = None,
        asked: int = 0,
        due_in_seconds: float = 0.0,
        detail: Mapping[str, Any] | None = None,
    ) -> Session:
        async with self.fenced(lease) as connection:
            row = await connection.fetchrow(
                _SESSION,
                session.opened_at,
                session.session_id,
                to.value,
                reference,
                valid_until,
                asked,
                due_in_seconds,
            )
            if event:
                entry = Entry(event, session_id=session.session_id, detail=detail or {})
                await journal(connection, lease, [entry])
            return _session(row)

    async def end_session(self, lease: Lease, session: Session, *, found: Sequence[Found]) -> Session:
        """Every document of ours in it has its answer; ``found`` is kept for those we may have forgotten."""
        async with self.fenced(lease) as connection:
            await connection.execute(
                _KEEP_FOUND,
                session.context_key,
                session.reference,
                [item.invoice_hash for item in found],
                [item.invoice_reference for item in found],
                [item.status_code for item in found],
            )
            row = await connection.fetchrow(_FINAL, session.opened_at, session.session_id)
            await journal(connection, lease, [Entry("session-final", session_id=session.session_id)])
            return _session(row)

    async def claim(
        self, lease: Lease, session: Session, *, limit: int, check: Callable[[int], None] = lambda _: None
    ) -> Claim:
        """Bind ready documents to a session: the intent, durable before any POST. In order of acceptance.

        ``check`` is given the claim's number before anything is durable; what it raises undoes the claim.
        """
        async with self.fenced(lease) as connection:
            rows = await connection.fetch(
                _CLAIM, lease.key, session.opened_at, session.session_id, session.reference, limit
            )
            claimed = sorted(
                map(submission_of, rows),
                key=lambda item: (item.document.accepted_at, item.document.document_id),
            )
            await journal(connection, lease, [entry_for("intent", item) for item in claimed])
            number = 0
            if claimed:
                number = await connection.fetchval(_ADVANCE, lease.key)
                check(number)
            return Claim(tuple(claimed), number)

    async def claims(self, lease: Lease) -> int:
        """How many claims this context has had, as far as this database knows."""
        return int(await self._database.fetchval(_CLAIMS, lease.key) or 0)

    async def rest(self, lease: Lease, *, seconds: float, because: str) -> None:
        """Write down that nothing is posted for so long, for people who ask why."""
        async with self.fenced(lease) as connection:
            await connection.execute(_REST, lease.key, seconds, because)

    async def unresolved(self, lease: Lease, session: Session) -> list[Submission]:
        """A session's documents that have no answer yet."""
        rows = await self._database.fetch(_UNRESOLVED, lease.key, session.session_id)
        return [submission_of(row) for row in rows]

    async def seconds_since_close(self, session: Session) -> float:
        """By the database's clock; 0 for a session that is not closed."""
        seconds = await self._database.fetchval(_SECONDS_SINCE_CLOSE, session.opened_at, session.session_id)
        return float(seconds or 0.0)

    async def owner_of(self, ksef_number: str) -> UUID | None:
        """Which document of ours has this KSeF number."""
        document: UUID | None = await self._database.fetchval(_OWN_NUMBER, ksef_number)
        return document


async def save(connection: Connection, changes: Sequence[Change]) -> None:
    """Write submissions in a fenced transaction. Refuses an impossible step; all or nothing."""
    for change in changes:
        check_transition(change.before.state, change.after.state)
    rows = await connection.fetch(
        _SAVE,
        [change.after.document.accepted_at for change in changes],
        [change.after.document.document_id for change in changes],
        [change.before.state.value for change in changes],
        [change.after.state.value for change in changes],
        [change.after.session_reference for change in changes],
        [change.after.invoice_reference for change in changes],
        [change.after.ksef_number for change in changes],
        [change.after.acquired_at for change in changes],
        [change.after.invoicing_mode for change in changes],
        [change.after.status_code for change in changes],
        [change.after.upo and change.after.upo.model_dump_json() for change in changes],
        [change.after.asked for change in changes],
        [change.due_in_seconds for change in changes],
        [change.after.attempt for change in changes],
    )
    if len(rows) != len(changes):
        raise RuntimeError(f"{len(changes) - len(rows)} submissions were not in the state they were read in")


async def journal(connection: Connection, lease: Lease, entries: Sequence[Entry]) -> None:
    """Append to the journal, in the caller's fenced transaction."""
    if entries:
        await connection.execute(
            _JOURNAL,
            lease.key,
            lease.fence,
            [entry.event for entry in entries],
            [entry.document_id for entry in entries],
            [entry.session_id for entry in entries],
            [entry.attempt for entry in entries],
            [json.dumps(dict(entry.detail), ensure_ascii=False) for entry in entries],
        )


def entry_for(event: str, submission: Submission, **detail: Any) -> Entry:
    """A journal line about a submission."""
    return Entry(
        event,
        document_id=submission.document.document_id,
        session_id=submission.session_id,
        attempt=submission.attempt,
        detail=detail,
    )


def _session(row: Mapping[str, Any]) -> Session:
    return Session(
        opened_at=row["opened_at"],
        session_id=row["session_id"],
        context_key=row["context_key"],
        fence=row["fence"],
        state=SessionState(row["state"]),
        key_sealed=row["key_sealed"],
        reference=row["reference"],
        valid_until=row["valid_until"],
        asked=row["asked"],
        recovered=row["recovered"],
    )


def submission_of(row: Mapping[str, Any]) -> Submission:
    return Submission(
        document=DocumentRef.model_validate_json(row["document"]),
        context_key=row["context_key"],
        state=State(row["state"]),
        attempt=row["attempt"],
        facts=InvoiceFacts.model_validate_json(row["facts"]),
        xml=StoredContent.model_validate_json(row["xml"]),
        invoice_hash=row["invoice_hash"],
        session_id=row["session_id"],
        session_reference=row["session_reference"],
        invoice_reference=row["invoice_reference"],
        ksef_number=row["ksef_number"],
        acquired_at=row["acquired_at"],
        invoicing_mode=row["invoicing_mode"],
        status_code=row["status_code"],
        upo=row["upo"] and StoredContent.model_validate_json(row["upo"]),
        asked=row["asked"],
        traceparent=row["traceparent"],
    )


async def states_of(database: Database, documents: Mapping[UUID, datetime]) -> dict[UUID, State]:
    """Where the sender stands with documents (id → accepted at); those it never took over are absent."""
    rows = await database.fetch(_STATES, list(documents.values()), list(documents))
    return {row["document_id"]: State(row["state"]) for row in rows}
