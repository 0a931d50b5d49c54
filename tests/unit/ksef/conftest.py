"""Fixtures of the client's tests: a scripted KSeF, a clock that tests move, a client and a company."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from ksef import (
    ContextId,
    ContextType,
    Environment,
    FinishedCall,
    HttpxTransport,
    KsefClient,
    KsefContext,
    PlannedCall,
    RepeatPolicy,
    TokenCredential,
)
from tests.support.ksef_script import NOW, TOKEN, PublishedKey, ScriptedKsef, http_options, script_login


class MovableClock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


class Hooks:
    """Records what the client tells its hooks, and the pauses it wanted."""

    def __init__(self) -> None:
        self.planned: list[PlannedCall] = []
        self.finished: list[FinishedCall] = []
        self.pauses: list[float] = []

    async def before(self, call: PlannedCall) -> None:
        self.planned.append(call)

    def on_call(self, call: FinishedCall) -> None:
        self.finished.append(call)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def routes(self) -> list[str]:
        return [call.route for call in self.finished]


@pytest.fixture(scope="session")
def ministry_key() -> PublishedKey:
    return PublishedKey.generate()


@pytest.fixture(scope="session")
def newer_key() -> PublishedKey:
    return PublishedKey.generate()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def hooks() -> Hooks:
    return Hooks()


@pytest.fixture
async def server(ministry_key: PublishedKey) -> AsyncIterator[ScriptedKsef]:
    async with ScriptedKsef() as scripted:
        script_login(scripted, ministry_key)
        yield scripted


@pytest.fixture
async def client(server: ScriptedKsef, clock: MovableClock, hooks: Hooks) -> AsyncIterator[KsefClient]:
    async with KsefClient(
        Environment("scripted", server.url),
        transport=HttpxTransport(http_options()),
        repeat=RepeatPolicy(attempts=3, first_pause_seconds=0.25),
        clock=clock,
        before_call=hooks.before,
        on_call=hooks.on_call,
        sleep=hooks.sleep,
    ) as opened:
        yield opened


@pytest.fixture
def company(client: KsefClient) -> KsefContext:
    return client.context(ContextId(ContextType.NIP, "5265877635"), TokenCredential(TOKEN))
