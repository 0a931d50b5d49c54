"""Our client lists sessions at the simulator over HTTP: pages, filters, other people's sessions, recovery."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import pytest

from ksef import (
    FA_3,
    ContextId,
    ContextType,
    Environment,
    HttpxTransport,
    InvoicingMode,
    KsefClient,
    KsefContext,
    OperatorNeeded,
    RateLimited,
    RepeatPolicy,
    SessionKey,
    SessionPhase,
    SessionStatusGroup,
    SessionType,
    TokenCredential,
)
from simulator.crypto.keys import KeyRing
from simulator.policy import Policy
from simulator.server import Options, Server, running
from tests.support.ksef_script import http_options
from tests.support.simulator_driver import NOON, SELLER, fa3
from tests.support.simulator_rows import session_row

INTEGRATOR = {"type": "Nip", "value": "7777777777"}
KEY = SessionKey(bytes(range(32)), bytes(range(16)))


class Clock:
    """The simulator's clock; the client is given the same."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass
class Desk:
    """Contexts of one company at one simulator."""

    client: KsefClient
    admin: httpx.AsyncClient
    clock: Clock

    async def company(self, *permissions: str, subject: dict[str, str] | None = None) -> KsefContext:
        """The company's context under a credential of its own."""
        request = {"nip": SELLER, "permissions": permissions or ("InvoiceWrite",)}
        minted = await self.admin.post("/tokens", json=request | ({"subject": subject} if subject else {}))
        token = TokenCredential(minted.raise_for_status().json()["token"])
        return self.client.context(ContextId(ContextType.NIP, SELLER), token)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(keys: KeyRing, clock: Clock) -> AsyncIterator[Server]:
    options = Options(policy=Policy(open_world=True), limits="off")
    async with running(options, clock=clock, keys=keys) as server:
        yield server


@pytest.fixture
async def desk(server: Server, clock: Clock) -> AsyncIterator[Desk]:
    headers = {"authorization": f"Bearer {server.admin_token}"}
    async with (
        httpx.AsyncClient(base_url=server.admin_url, headers=headers) as admin,
        KsefClient(
            Environment("simulator", server.api),
            transport=HttpxTransport(http_options()),
            repeat=RepeatPolicy(attempts=1, first_pause_seconds=0),
            clock=clock,
        ) as client,
    ):
        await admin.put("/delays", json={"login": [0, 0], "verdict": [0, 0], "closing": [0, 0]})
        yield Desk(client, admin, clock)


async def opened(company: KsefContext) -> str:
    return (await company.open_online_session(form_code=FA_3, key=KEY)).reference


async def sent(company: KsefContext, session: str, number: str) -> str:
    invoice = KEY.encrypt_invoice(fa3(number))
    return await company.send_invoice(session, invoice=invoice, mode=InvoicingMode.ONLINE)


async def listed(company: KsefContext, **filters: object) -> list[str]:
    sessions = await company.sessions(session_type=SessionType.ONLINE, **filters)
    return [session.reference for session in sessions]


async def test_a_listed_session_shows_what_its_status_shows(desk):
    company = await desk.company()
    reference = await opened(company)
    desk.clock.advance(seconds=5)
    await sent(company, reference, "FV/1")
    await sent(company, reference, "FV/1")

    (session,) = await company.sessions(session_type=SessionType.ONLINE)

    assert (session.reference, session.phase, session.code) == (reference, SessionPhase.OPEN, 100)
    assert (session.created_at, session.updated_at) == (NOON, NOON + timedelta(seconds=5))
    assert session.valid_until == NOON + timedelta(hours=12)
    assert (session.invoice_count, session.accepted_count, session.failed_count) == (2, 1, 1)
    assert session == await company.session_status(reference)


async def test_filters_mean_the_same_to_both_sides(desk):
    company = await desk.company()
    early = await opened(company)
    await company.close_online_session(early)
    desk.clock.advance(minutes=10)
    late = await opened(company)
    five_past = NOON + timedelta(minutes=5)
    groups = SessionStatusGroup

    assert await listed(company) == [late, early]
    assert await listed(company, created_from=five_past) == [late]
    assert await listed(company, created_to=five_past) == [early]
    assert await listed(company, created_from=NOON, created_to=NOON) == [early]
    assert await listed(company, modified_from=five_past) == [late]
    assert await listed(company, modified_to=five_past) == [early]
    assert await listed(company, statuses=[groups.CANCELLED]) == [early]
    assert await listed(company, statuses=[groups.IN_PROGRESS, groups.CANCELLED]) == [late, early]
    assert await listed(company, statuses=[groups.FAILED]) == []
    assert await company.sessions(session_type=SessionType.BATCH) == ()


async def test_a_list_longer_than_a_page_comes_whole_with_its_filters(desk, server):
    references = [f"20261120-SO-{number:010X}-0000000000-00" for number in range(2_500)]
    for reference in references:
        server.store.add_session(session_row(reference, nip=SELLER, opened_at=NOON))
    desk.clock.advance(minutes=1)
    company = await desk.company()
    await opened(company)

    assert await listed(company, created_to=NOON) == references[::-1]


async def test_a_strangers_session_is_listed_only_for_who_may_look_at_all(desk):
    ours, theirs = await desk.company(), await desk.company(subject=INTEGRATOR)
    observer = await desk.company("Introspection")
    mine, stranger = await opened(ours), await opened(theirs)
    await sent(theirs, stranger, "FV/9")

    assert await listed(ours) == [mine]
    assert await listed(observer) == [stranger, mine]
    assert [invoice.invoice_number for invoice in await observer.session_invoices(stranger)] == ["FV/9"]
    with pytest.raises(OperatorNeeded) as caught:
        await ours.close_online_session(stranger)
    assert caught.value.reason_code == "insufficient-resource-access"


async def test_a_session_nobody_remembers_is_found_read_and_closed_under_another_credential(desk):
    lost = await desk.company()
    session = await opened(lost)
    invoice = await sent(lost, session, "FV/1")
    finder = await desk.company()

    (found,) = await finder.sessions(
        session_type=SessionType.ONLINE, statuses=[SessionStatusGroup.IN_PROGRESS]
    )
    invoices = await finder.session_invoices(found.reference)
    await finder.close_online_session(found.reference)

    assert [entry.reference for entry in invoices] == [invoice]
    assert (await finder.session_status(session)).phase is SessionPhase.DONE


async def test_the_sixth_list_within_a_second_is_over_the_limit(desk):
    company = await desk.company()
    await company.log_in()
    await desk.admin.put("/limits", json={"limits": "production"})

    for _ in range(5):
        assert await listed(company) == []
    with pytest.raises(RateLimited) as caught:
        await listed(company)

    assert caught.value.group == "sessionList"
