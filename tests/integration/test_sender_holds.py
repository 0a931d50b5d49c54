"""What holds sending back, in the real tables: stops by people, and what recovery has not looked up yet."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

import ksef
from contracts.sales import State as Step
from contracts.sending import ContextAdvanced, SendingSwitched
from runtime.db import Database
from runtime.errors import LeaseLost
from runtime.lease import Lease, Leases
from services.sender import pauses, recovery_store
from services.sender.announce import announce
from services.sender.handlers import TakingOver
from services.sender.recovery_store import Standing
from services.sender.store import Found, Ledger, Session, SessionState
from services.sender.submission import State
from tests.support.flow import ACCEPTED_AT, AT, NIP, admitted, as_event, consumed, outbox_of, ref

KEY = f"Nip:{NIP}"
HASH = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="  # of the bytes that tests.support.flow admits
EVERYTHING = 100


@pytest.fixture
def leases() -> Leases:
    return Leases("sender.context", owner="test", seconds=30)


@pytest.fixture
def ledger(pool: Database, leases: Leases) -> Ledger:
    return Ledger(pool, leases)


@pytest.fixture
async def lease(pool: Database, leases: Leases) -> Lease:
    """The lease on a context that has one document to send."""
    await TakingOver(database=pool)([consumed(admitted(ref(1)))])
    (taken,) = await leases.take(pool, limit=1)
    return taken


async def sendable(ledger: Ledger, lease: Lease) -> int:
    return (await ledger.look(lease, limit=EVERYTHING)).ready


async def switch(pool: Database, scope: str, *, paused: bool) -> bool:
    change = pauses.pause if paused else pauses.resume
    async with pool.transaction() as connection:
        return await change(connection, scope, by="a.nowak", reason="prices")


# Stops by people


@pytest.mark.parametrize("scope", ["all", f"context:{KEY}", f"company:{NIP}"])
async def test_what_a_person_stopped_is_not_claimed_until_it_may_go_on(
    pool: Database, ledger: Ledger, lease: Lease, scope: str
) -> None:
    session = await opened(ledger, lease)
    await switch(pool, scope, paused=True)
    held_back = await sendable(ledger, lease), (await ledger.claim(lease, session, limit=5)).submissions

    await switch(pool, scope, paused=False)

    assert held_back == (0, ())
    assert await sendable(ledger, lease) == 1
    assert len((await ledger.claim(lease, session, limit=5)).submissions) == 1


@pytest.mark.parametrize("scope", ["context:Nip:7020000225", "company:7020000225"])
async def test_a_stop_of_another_holds_nothing_back(
    pool: Database, ledger: Ledger, lease: Lease, scope: str
) -> None:
    await switch(pool, scope, paused=True)

    assert await sendable(ledger, lease) == 1


async def test_a_stop_is_told_once_with_who_and_why(pool: Database) -> None:
    changed = [await switch(pool, "all", paused=paused) for paused in (True, True, False, False)]

    told = [event.data for event in await outbox_of(pool, "sender")]

    assert changed == [True, False, True, False]
    assert [item for item in told if not isinstance(item, SendingSwitched)] == []
    assert [(item.scope, item.paused, item.by, item.reason) for item in told] == [
        ("all", True, "a.nowak", "prices"),
        ("all", False, "a.nowak", "prices"),
    ]


async def test_a_context_that_only_waits_for_a_person_holds_no_senders_place(
    pool: Database, ledger: Ledger, lease: Lease
) -> None:
    busy = (await ledger.look(lease, limit=EVERYTHING)).open_ends

    await switch(pool, "all", paused=True)

    assert (busy, (await ledger.look(lease, limit=EVERYTHING)).open_ends) == (True, False)


async def test_what_may_go_on_is_due_at_once(pool: Database, leases: Leases, lease: Lease) -> None:
    await switch(pool, "all", paused=True)
    await leases.release(pool, lease, due_in_seconds=None)
    waiting = await leases.take(pool, limit=5)

    await switch(pool, "all", paused=False)

    assert waiting == []
    assert [taken.key for taken in await leases.take(pool, limit=5)] == [KEY]


async def test_the_metric_counts_stops_by_their_kind(pool: Database) -> None:
    await switch(pool, "all", paused=True)
    await switch(pool, f"company:{NIP}", paused=True)
    await switch(pool, "company:7020000225", paused=True)

    await pauses.measure(pool)

    values = [REGISTRY.get_sample_value("ksef_sender_paused", {"kind": kind}) for kind in pauses.KINDS]
    assert values == [1, 0, 2]


# A database that is older than what was sent


async def test_a_database_that_fell_behind_gives_its_lease_up_and_sends_nothing(
    pool: Database, ledger: Ledger, leases: Leases, lease: Lease
) -> None:
    kept = ContextAdvanced(context_key=KEY, claims=9, fence=40, at=AT)
    await opened(ledger, lease)

    await recovery_store.fall_behind(ledger, lease, kept=kept, unknown_days=31)

    with pytest.raises(LeaseLost):
        await ledger.look(lease, limit=EVERYTHING)
    (taken,) = await leases.take(pool, limit=1)
    assert taken.fence > 40
    assert await ledger.claims(taken) == 9
    work = await ledger.look(taken, limit=EVERYTHING)
    assert (work.ready, work.recover_since is not None, work.open_ends) == (0, True, True)
    await ledger.end_older_sessions(taken)
    assert [item.recovered for item in (await ledger.look(taken, limit=EVERYTHING)).sessions] == [True]


async def test_nothing_is_sent_before_every_listed_session_is_final(
    pool: Database, ledger: Ledger, leases: Leases, lease: Lease
) -> None:
    await mark(pool)
    (taken,) = await leases.take(pool, limit=1)
    unknown = await recovery_store.add_sessions(ledger, taken, [listed("SO-1"), listed("SO-2", ended=True)])
    held_back = await sendable(ledger, taken)
    (first, second) = (await ledger.look(taken, limit=EVERYTHING)).sessions

    await ledger.end_session(taken, first, found=[])
    one_left = await sendable(ledger, taken), await recovery_store.standings(pool)
    await ledger.end_session(taken, second, found=[])

    assert unknown == 2
    assert {first.reference: first.state, second.reference: second.state} == {
        "SO-1": SessionState.CLOSING,
        "SO-2": SessionState.CLOSED,
    }
    assert (held_back, one_left) == (0, (0, [Standing(KEY, None, 1)]))
    assert await sendable(ledger, taken) == 1
    assert await recovery_store.standings(pool) == []


async def test_a_session_of_the_copy_that_was_not_final_is_listed_whole_and_only_once(
    pool: Database, ledger: Ledger, leases: Leases, lease: Lease
) -> None:
    session = await opened(ledger, lease)
    await mark(pool)
    (taken,) = await leases.take(pool, limit=1)
    await ledger.end_older_sessions(taken)

    (at_once,) = (await ledger.look(taken, limit=EVERYTHING)).sessions
    unknown = await recovery_store.add_sessions(ledger, taken, [listed(session.reference or "")])

    assert (at_once.session_id, at_once.recovered) == (session.session_id, True)
    assert unknown == 0
    assert len((await ledger.look(taken, limit=EVERYTHING)).sessions) == 1


async def test_bytes_that_ksef_has_are_adopted_and_not_posted(
    pool: Database, ledger: Ledger, leases: Leases, lease: Lease
) -> None:
    taken = await looked_up(pool, ledger, leases, [Found(HASH, "EI-1", 200)])
    nothing_to_send = await sendable(ledger, taken)
    async with ledger.fenced(taken) as connection:
        (adopted,) = await recovery_store.adopt(connection, taken, limit=5)

    assert (nothing_to_send, adopted.state, adopted.attempt) == (0, State.SENT, 1)
    assert (adopted.session_reference, adopted.invoice_reference) == ("SO-1", "EI-1")
    assert [as_event(record).data.state for record in announce(adopted, at=AT)] == [Step.SENT]
    work = await ledger.look(taken, limit=EVERYTHING)
    assert [item.document.document_id for item in work.due] == [ref(1).document_id]
    assert not work.found


async def test_of_several_answers_to_the_same_bytes_the_accepted_one_is_adopted(
    pool: Database, ledger: Ledger, leases: Leases, lease: Lease
) -> None:
    answers = [Found(HASH, "EI-1", 550), Found(HASH, "EI-2", 200), Found(HASH, "EI-3", 440)]
    taken = await looked_up(pool, ledger, leases, answers)

    async with ledger.fenced(taken) as connection:
        (adopted,) = await recovery_store.adopt(connection, taken, limit=5)
        again = await recovery_store.adopt(connection, taken, limit=5)

    assert adopted.invoice_reference == "EI-2"
    assert again == []


async def test_other_bytes_are_nobodys_and_hold_nothing_back(
    pool: Database, ledger: Ledger, leases: Leases, lease: Lease
) -> None:
    taken = await looked_up(pool, ledger, leases, [Found("another hash", "EI-1", 200)])

    async with ledger.fenced(taken) as connection:
        assert await recovery_store.adopt(connection, taken, limit=5) == []
    assert await sendable(ledger, taken) == 1


async def test_recovery_looks_back_at_least_to_the_last_claim_the_database_knows(
    pool: Database, ledger: Ledger, lease: Lease
) -> None:
    await ledger.claim(lease, await opened(ledger, lease), limit=1)
    last = await pool.fetchval("select claimed_at from sender.context")
    kept = ContextAdvanced(context_key=KEY, claims=9, fence=40, at=AT)

    async with pool.transaction() as connection:
        await recovery_store.mark(connection, since=last + timedelta(hours=5), kept=[kept])

    (standing,) = await recovery_store.standings(pool)
    assert standing.recover_since == last


async def test_a_context_that_only_kafka_knows_is_looked_up_too(pool: Database) -> None:
    kept = ContextAdvanced(context_key="Nip:7020000225", claims=3, fence=2, at=AT)

    async with pool.transaction() as connection:
        marked = await recovery_store.mark(connection, since=ACCEPTED_AT, kept=[kept])

    assert marked == ["Nip:7020000225"]
    assert [found.context_key for found in await recovery_store.standings(pool)] == ["Nip:7020000225"]


async def opened(ledger: Ledger, lease: Lease) -> Session:
    session = await ledger.begin_session(lease, session_id=uuid4(), key_sealed=b"sealed")
    return await ledger.change_session(
        lease, session, to=SessionState.OPEN, event="session-opened", reference="SO-0"
    )


async def mark(pool: Database) -> None:
    async with pool.transaction() as connection:
        await recovery_store.mark(connection, since=ACCEPTED_AT, kept=[])


async def looked_up(pool: Database, ledger: Ledger, leases: Leases, found: list[Found]) -> Lease:
    """The lease on a context whose one session was listed, with this in it."""
    await mark(pool)
    (taken,) = await leases.take(pool, limit=1)
    await recovery_store.add_sessions(ledger, taken, [listed("SO-1", ended=True)])
    (session,) = (await ledger.look(taken, limit=EVERYTHING)).sessions
    await ledger.end_session(taken, session, found=found)
    return taken


def listed(reference: str, *, ended: bool = False) -> ksef.SessionStatus:
    at = datetime.now(UTC)
    return ksef.SessionStatus(
        reference=reference,
        phase=ksef.SessionPhase.DONE if ended else ksef.SessionPhase.OPEN,
        code=200 if ended else 100,
        description="",
        details=(),
        created_at=at,
        updated_at=at,
        valid_until=None,
        invoice_count=1,
        accepted_count=1,
        failed_count=0,
    )
