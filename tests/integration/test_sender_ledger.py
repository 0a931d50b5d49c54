"""The sender's ledger on the real database: claims, fences, proofs."""

from dataclasses import replace
from uuid import uuid4

import pytest

from contracts.sales import State as Step
from runtime.db import Database
from runtime.errors import LeaseLost
from runtime.lease import Lease, Leases
from runtime.outbox import Outbox
from services.sender import store
from services.sender.announce import announce
from services.sender.handlers import TakingOver
from services.sender.store import Change, Ledger, Session, SessionState, Submission
from services.sender.submission import ImpossibleTransition, State
from tests.support.flow import AT, NIP, admitted, consumed, outbox_of, ref

KEY = f"Nip:{NIP}"


@pytest.fixture
def leases() -> Leases:
    return Leases("sender.context", owner="test", seconds=30)


@pytest.fixture
def ledger(pool: Database, leases: Leases) -> Ledger:
    return Ledger(pool, leases)


@pytest.fixture
async def lease(pool: Database, leases: Leases) -> Lease:
    """The lease on a context that has three documents to send."""
    await TakingOver(database=pool)([consumed(admitted(ref(n), number=f"FV/{n}")) for n in (1, 2, 3)])
    (taken,) = await leases.take(pool, limit=1)
    return taken


async def opened(ledger: Ledger, lease: Lease) -> Session:
    session = await ledger.begin_session(lease, session_id=uuid4(), key_sealed=b"sealed")
    return await ledger.change_session(
        lease, session, to=SessionState.OPEN, event="session-opened", reference="SO-1"
    )


async def save(ledger: Ledger, lease: Lease, *changes: Change) -> None:
    async with ledger.fenced(lease) as connection:
        await store.save(connection, changes)


async def test_an_admitted_document_is_taken_over_once_and_makes_its_context_due(
    pool: Database, leases: Leases
) -> None:
    batch = [consumed(admitted(ref(1)))]
    await TakingOver(database=pool)(batch + batch)

    await TakingOver(database=pool)(batch)

    assert await pool.fetchval("select count(*) from sender.submission") == 1
    assert [taken.key for taken in await leases.take(pool, limit=5)] == [KEY]


async def test_documents_are_claimed_in_the_order_of_their_acceptance(ledger: Ledger, lease: Lease) -> None:
    session = await opened(ledger, lease)

    first = (await ledger.claim(lease, session, limit=2)).submissions
    second = (await ledger.claim(lease, session, limit=2)).submissions

    assert [item.document.document_id.int for item in first + second] == [1, 2, 3]
    assert {item.state for item in first} == {State.SENDING}
    assert {(item.attempt, item.session_reference) for item in first} == {(1, "SO-1")}


async def test_a_claim_that_is_refused_leaves_nothing_behind(
    ledger: Ledger, lease: Lease, pool: Database
) -> None:
    session = await opened(ledger, lease)

    def refuse(number: int) -> None:
        raise LookupError(f"claim {number} was made before")

    with pytest.raises(LookupError, match="claim 1 was made before"):
        await ledger.claim(lease, session, limit=2, check=refuse)

    assert await pool.fetchrow("select claims, claimed_at from sender.context") == (0, None)
    assert await pool.fetchval("select count(*) from sender.submission where state = 'ready'") == 3


async def test_the_intent_is_in_the_journal_before_anything_is_posted(
    ledger: Ledger, lease: Lease, pool: Database
) -> None:
    session = await opened(ledger, lease)

    await ledger.claim(lease, session, limit=1)

    rows = await pool.fetch("select event from sender.journal where document_id is not null")
    assert [row["event"] for row in rows] == ["intent"]


async def test_a_former_owner_can_write_nothing(
    ledger: Ledger, lease: Lease, leases: Leases, pool: Database
) -> None:
    session = await opened(ledger, lease)
    (claimed, *_) = (await ledger.claim(lease, session, limit=1)).submissions
    await leases.release(pool, lease, due_in_seconds=0)
    (newer,) = await leases.take(pool, limit=1)

    assert newer.fence > lease.fence
    sent = replace(claimed, state=State.SENT, invoice_reference="E")
    for write in (
        lambda: save(ledger, lease, Change(claimed, sent)),
        lambda: ledger.claim(lease, session, limit=1),
        lambda: ledger.begin_session(lease, session_id=uuid4(), key_sealed=b""),
        lambda: ledger.change_session(lease, session, to=SessionState.CLOSED, event=""),
        lambda: ledger.end_older_sessions(lease),
        lambda: ledger.look(lease, limit=1),
    ):
        with pytest.raises(LeaseLost):
            await write()


async def test_a_take_over_ends_the_sessions_of_older_fences_and_frees_nothing(
    ledger: Ledger, lease: Lease, leases: Leases, pool: Database
) -> None:
    session = await opened(ledger, lease)
    await ledger.claim(lease, session, limit=1)
    await ledger.begin_session(lease, session_id=uuid4(), key_sealed=b"never opened")
    await leases.release(pool, lease, due_in_seconds=0)
    (newer,) = await leases.take(pool, limit=1)

    await ledger.end_older_sessions(newer)

    states = await pool.fetch("select state from sender.session order by state")
    assert [row["state"] for row in states] == ["closing", "void"]
    (waiting,) = await ledger.unresolved(newer, session)
    assert waiting.state is State.SENDING


async def test_an_impossible_step_is_refused_and_writes_nothing(
    ledger: Ledger, lease: Lease, pool: Database
) -> None:
    session = await opened(ledger, lease)
    (claimed, *_) = (await ledger.claim(lease, session, limit=1)).submissions

    with pytest.raises(ImpossibleTransition):
        await save(ledger, lease, Change(claimed, replace(claimed, state=State.COMPLETED)))

    assert await pool.fetchval("select count(*) from sender.submission where state = 'completed'") == 0


async def test_a_step_from_a_state_that_is_no_longer_true_is_refused(ledger: Ledger, lease: Lease) -> None:
    session = await opened(ledger, lease)
    (claimed, *_) = (await ledger.claim(lease, session, limit=1)).submissions
    sent = replace(claimed, state=State.SENT, invoice_reference="E")
    await save(ledger, lease, Change(claimed, sent))

    with pytest.raises(RuntimeError, match="not in the state"):
        await save(ledger, lease, Change(claimed, replace(claimed, state=State.READY)))


async def test_what_is_due_later_is_not_due_now(ledger: Ledger, lease: Lease) -> None:
    session = await opened(ledger, lease)
    claimed = (await ledger.claim(lease, session, limit=3)).submissions
    changes = [
        Change(item, replace(item, state=State.SENT, invoice_reference="E"), due_in_seconds=delay)
        for item, delay in zip(claimed, (0.0, 0.0, 3600.0), strict=True)
    ]
    await save(ledger, lease, *changes)

    work = await ledger.look(lease, limit=10)

    assert [item.document.document_id.int for item in work.due] == [1, 2]
    assert work.open_ends
    assert work.ready == 0


async def test_an_empty_context_has_no_open_ends(ledger: Ledger, lease: Lease) -> None:
    session = await opened(ledger, lease)
    claimed = (await ledger.claim(lease, session, limit=3)).submissions
    parked = [Change(item, replace(item, state=State.PARKED)) for item in claimed]
    await save(ledger, lease, *parked)
    await ledger.change_session(lease, session, to=SessionState.FINAL, event="session-final")

    work = await ledger.look(lease, limit=10)

    assert not work.open_ends
    assert work.next_in_seconds is None


async def test_a_state_and_its_event_are_one_transaction(
    ledger: Ledger, lease: Lease, pool: Database
) -> None:
    session = await opened(ledger, lease)
    (claimed, *_) = (await ledger.claim(lease, session, limit=1)).submissions
    sent = replace(claimed, state=State.SENT, invoice_reference="E")

    with pytest.raises(LeaseLost):
        async with ledger.fenced(replace(lease, fence=lease.fence - 1)) as connection:
            await _record(connection, claimed, sent)
    assert await outbox_of(pool, "sender") == []

    async with ledger.fenced(lease) as connection:
        await _record(connection, claimed, sent)
    (event,) = await outbox_of(pool, "sender")
    assert event.data.model_dump()["state"] == Step.SENT


async def _record(connection: object, before: Submission, after: Submission) -> None:
    await store.save(connection, [Change(before, after)])
    await Outbox("sender").put(connection, announce(after, at=AT))
