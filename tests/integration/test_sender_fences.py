"""A sender that was overtaken while it asked KSeF: what it learned is not its to write any more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

import ksef
from contracts.events import ADVANCED
from runtime import clock
from runtime.db import Database
from runtime.due import Holder
from runtime.errors import LeaseLost
from runtime.lease import Lease, Leases
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from runtime.producer import open_producer
from runtime.secrets import Sealer, new_key
from services.sender.desk import Desk
from services.sender.gateway import Gateway, Limited
from services.sender.handlers import TakingOver
from services.sender.runner import Round
from services.sender.sending import send_ready
from services.sender.sessions import end, open_session, settle_session
from services.sender.settings import SenderOptions
from services.sender.store import Ledger, Session, SessionState
from services.sender.turn import turn_of
from services.sender.watermark import DatabaseBehind, open_watermark
from simulator.crypto.keys import KeyRing
from simulator.policy import Policy
from simulator.server import Options, running
from tests.support.flow import NIP, admitted, consumed, ref, tracing
from tests.support.kit import Kafka
from tests.support.ksef_script import http_options
from tests.support.waiting import until


class Overtaken(Gateway):
    """The real one; another sender takes the context over while a list is on its way, or KSeF says 429."""

    take_over: Callable[[], Awaitable[None]] | None = None
    limited = False

    async def open_session(self, key: ksef.SessionKey) -> ksef.OnlineSession:
        if self.limited:
            raise Limited("sessions are used up", seconds=60)
        return await super().open_session(key)

    async def session_invoices(self, session_reference: str) -> tuple[ksef.InvoiceStatus, ...]:
        listed = await super().session_invoices(session_reference)
        if self.take_over is not None:
            await self.take_over()
        return listed


@pytest.fixture
def leases() -> Leases:
    return Leases("sender.context", owner="first", seconds=30)


@pytest.fixture
async def lease(pool: Database, leases: Leases) -> Lease:
    """The lease on a context with one document, whose bytes are stored."""
    await TakingOver(database=pool)([consumed(admitted(ref(1)))])
    (taken,) = await leases.take(pool, limit=1)
    return taken


@pytest.fixture
async def desk(
    pool: Database, leases: Leases, lease: Lease, kafka: Kafka, keys: KeyRing
) -> AsyncIterator[Desk]:
    """A sender's desk at a simulator that answers at once."""
    await kafka.create(ADVANCED)
    async with AsyncExitStack() as stack:
        options = Options(policy=Policy(open_world=True), limits="off")
        server = await stack.enter_async_context(running(options, keys=keys))
        token = await _admin(server.admin_url, server.admin_token)
        client = await stack.enter_async_context(
            ksef.KsefClient(
                ksef.Environment("simulator", server.api),
                transport=ksef.HttpxTransport(http_options()),
                repeat=ksef.RepeatPolicy(attempts=1, first_pause_seconds=0),
                clock=clock.now,
            )
        )
        producer = await stack.enter_async_context(open_producer(kafka.settings, client_id="test"))
        watermark = await stack.enter_async_context(open_watermark(kafka.settings, producer, clock=clock.now))
        context = client.context(ksef.ContextId(ksef.ContextType.NIP, NIP), ksef.TokenCredential(token))
        yield Desk(
            holder=Holder(lease, leases),
            ledger=Ledger(pool, leases),
            gateway=Overtaken(context),
            payloads=PayloadStore(pool),
            outbox=Outbox("sender"),
            sealer=Sealer(SecretStr(new_key())),
            tracing=tracing(),
            watermark=watermark,
            clock=clock.now,
            options=SenderOptions(absence_quiet_seconds=0),
        )


async def _admin(url: str, admin_token: str) -> str:
    headers = {"authorization": f"Bearer {admin_token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as admin:
        await admin.put("/delays", json={"login": [0, 0], "verdict": [0, 0], "closing": [0, 0]})
        minted = await admin.post("/tokens", json={"nip": NIP, "permissions": ["InvoiceWrite"]})
    return str(minted.raise_for_status().json()["token"])


async def in_doubt(desk: Desk) -> Session:
    """An ended session, with a document that was about to be posted in it when its sender died."""
    session = await open_session(desk)
    await desk.ledger.claim(desk.holder.lease, session, limit=1)
    return await end(desk, session, why="died")


async def state_of(pool: Database) -> str:
    return str(await pool.fetchval("select state from sender.submission"))


def overtaken_by(second: Leases, pool: Database) -> Callable[[], Awaitable[None]]:
    async def take_over() -> None:
        await pool.execute("update sender.context set lease_until = now() - interval '1 second'")
        assert len(await second.take(pool, limit=1)) == 1

    return take_over


async def test_absence_is_proven_by_the_final_list_of_the_ended_session(pool: Database, desk: Desk) -> None:
    session = await in_doubt(desk)

    async def settled() -> bool:
        nonlocal session
        session = await settle_session(desk, session)
        return session.state is SessionState.FINAL

    await until(settled)

    assert await state_of(pool) == "ready"


async def test_absence_that_a_former_owner_saw_frees_nothing(pool: Database, desk: Desk) -> None:
    session = await in_doubt(desk)
    assert isinstance(desk.gateway, Overtaken)
    desk.gateway.take_over = overtaken_by(Leases("sender.context", owner="second", seconds=30), pool)

    with pytest.raises(LeaseLost):
        await until(lambda: _settle(desk, session))

    assert await state_of(pool) == "sending"


async def test_a_session_whose_list_is_not_final_proves_nothing(pool: Database, desk: Desk) -> None:
    session = await open_session(desk)
    await desk.ledger.claim(desk.holder.lease, session, limit=1)
    # As if its close had been confirmed, which KSeF has never heard of.
    closed = replace(await end(desk, session, why="test"), state=SessionState.CLOSED)

    after = await settle_session(desk, closed)

    assert after.state is not SessionState.FINAL
    assert await state_of(pool) == "sending"


async def test_a_session_that_a_limit_kept_from_opening_leaves_no_open_end(
    pool: Database, desk: Desk
) -> None:
    assert isinstance(desk.gateway, Overtaken)
    desk.gateway.limited = True
    await pool.execute("update sender.submission set state = 'parked'")

    with pytest.raises(Limited):
        await open_session(desk)

    assert await pool.fetchval("select state from sender.session") == "void"
    assert not (await desk.ledger.look(desk.holder.lease, limit=5)).open_ends


async def test_a_document_whose_bytes_are_not_there_yet_waits_and_costs_no_attempt(
    pool: Database, desk: Desk
) -> None:
    await send_ready(desk, await open_session(desk))

    row = await pool.fetchrow(
        "select state, attempt, next_at > now() + interval '50 s' from sender.submission"
    )
    assert row == ("ready", 0, True)


async def test_a_database_that_lost_a_claim_is_noticed_before_the_claim_is_made_again(
    pool: Database, desk: Desk
) -> None:
    session = await open_session(desk)
    await desk.watermark.advance(desk.holder.lease, claims=1)

    with pytest.raises(DatabaseBehind):
        await send_ready(desk, session)

    row = await pool.fetchrow("select state, attempt, claims from sender.submission, sender.context")
    assert row == ("ready", 0, 0)


async def _settle(desk: Desk, session: Session) -> bool:
    await settle_session(desk, session)
    return False


async def test_a_limit_that_keeps_a_sender_waiting_is_told_to_people_who_ask(
    pool: Database, desk: Desk
) -> None:
    assert isinstance(desk.gateway, Overtaken)
    desk.gateway.limited = True
    sending = asyncio.create_task(Round(desk).run())

    async def it_rests() -> bool:
        turn = await turn_of(pool, ref(1))
        return turn is not None and turn.rests_until is not None

    await until(it_rests)
    desk.holder.leave()
    await sending

    turn = await turn_of(pool, ref(1))
    assert turn is not None
    assert turn.rests_because == "sessions are used up"
