"""When a document's turn comes, as the real tables say it."""

from datetime import timedelta

import pytest

from runtime.db import Database
from runtime.lease import Lease, Leases
from services.sender import pauses
from services.sender.handlers import TakingOver
from services.sender.store import Ledger
from services.sender.submission import State
from services.sender.turn import Turn, turn_of
from tests.support.flow import NIP, admitted, consumed, ref

KEY = f"Nip:{NIP}"
WAITING = Turn(
    state=State.READY,
    context_key=KEY,
    attempt=0,
    session_reference=None,
    not_before=None,
    in_hand=False,
    idle_until=None,
    rests_until=None,
    rests_because=None,
    ahead=0,
)


@pytest.fixture
def leases() -> Leases:
    return Leases("sender.context", owner="test", seconds=30)


@pytest.fixture
async def three(pool: Database) -> Database:
    """Three documents of one context, ready to be sent; nobody has begun."""
    await TakingOver(database=pool)([consumed(admitted(ref(number))) for number in (1, 2, 3)])
    return pool


async def the_lease(database: Database, leases: Leases) -> Lease:
    (taken,) = await leases.take(database, limit=1)
    return taken


async def turn(database: Database, number: int) -> Turn:
    found = await turn_of(database, ref(number))
    assert found is not None
    return found


async def test_a_document_that_the_sender_does_not_have_has_no_turn(pool: Database) -> None:
    assert await turn_of(pool, ref(1)) is None


async def test_documents_accepted_earlier_go_first(three: Database) -> None:
    assert await turn(three, 1) == WAITING
    assert (await turn(three, 3)).ahead == 2


async def test_documents_that_may_not_be_sent_are_in_nobodys_way(three: Database) -> None:
    async with three.transaction() as connection:
        await pauses.pause(connection, pauses.ALL, by="anna", reason="prices")

    assert (await turn(three, 3)).ahead == 0


async def test_a_context_is_in_hand_while_its_lease_lasts(three: Database, leases: Leases) -> None:
    await the_lease(three, leases)
    in_hand = (await turn(three, 1)).in_hand

    await three.execute("update sender.context set lease_until = now() - interval '1 second'")

    assert in_hand
    assert not (await turn(three, 1)).in_hand


async def test_a_context_that_was_left_for_a_while_is_at_rest_until_then(
    three: Database, leases: Leases
) -> None:
    lease = await the_lease(three, leases)
    await Ledger(three, leases).look(lease, limit=1)  # what has arrived so far counts as seen
    left_at = await three.fetchval("select now()")

    await leases.release(three, lease, due_in_seconds=60)

    rest = await turn(three, 1)
    assert not rest.in_hand
    assert rest.idle_until is not None
    assert timedelta(seconds=59) < rest.idle_until - left_at < timedelta(seconds=90)


async def test_a_limit_of_ksef_is_told_until_it_is_over(three: Database, leases: Leases) -> None:
    lease = await the_lease(three, leases)
    ledger = Ledger(three, leases)
    await ledger.rest(lease, seconds=60, because="limit of group invoice reached")
    limited = await turn(three, 1)

    await ledger.rest(lease, seconds=-1, because="limit of group invoice reached")

    assert limited.rests_until is not None
    assert limited.rests_because == "limit of group invoice reached"
    assert (await turn(three, 1)).rests_until is None


async def test_a_document_that_is_left_alone_for_a_while_says_until_when(three: Database) -> None:
    await three.execute("update sender.submission set next_at = now() + interval '1 hour', attempt = 2")

    waiting = await turn(three, 1)

    assert waiting.attempt == 2
    assert waiting.not_before is not None
