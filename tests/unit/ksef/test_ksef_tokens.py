"""Single flight, with a source that a test holds in its hands."""

import asyncio
import gc
from datetime import timedelta

import pytest

from ksef import OperatorNeeded
from ksef.login import TimedBearer, TokenPair
from ksef.routes import Auth
from ksef.secret import Bearer
from ksef.tokens import ContextTokens
from tests.support.ksef_script import NOW


def timed(name, kind=Auth.ACCESS, minutes=15):
    return TimedBearer(Bearer(name, kind=kind), NOW + timedelta(minutes=minutes))


class HeldSource:
    """Answers only when the test opens the gate."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.logins = 0
        self.failure = None

    async def new_tokens(self):
        self.logins += 1
        await self.gate.wait()
        if self.failure:
            raise self.failure
        return TokenPair(timed(f"access-{self.logins}"), timed("refresh", Auth.REFRESH, 10_000))

    async def refreshed(self, refresh):
        raise AssertionError("no refresh is expected here")


@pytest.fixture
def source():
    return HeldSource()


@pytest.fixture
def tokens(source, clock):
    return ContextTokens(source, clock=clock, spawn=asyncio.create_task)


async def waiting(tokens, count):
    callers = [asyncio.create_task(tokens.current()) for _ in range(count)]
    await asyncio.sleep(0)
    return callers


async def test_a_cancelled_caller_does_not_take_the_login_with_it(source, tokens):
    first, second = await waiting(tokens, 2)

    first.cancel()
    await asyncio.sleep(0)
    source.gate.set()

    assert (await second).reveal() == "access-1"
    assert source.logins == 1


async def test_a_login_nobody_waits_for_any_more_still_serves_the_next(source, tokens):
    (only,) = await waiting(tokens, 1)
    only.cancel()
    source.gate.set()

    assert (await tokens.current()).reveal() == "access-1"
    assert source.logins == 1


async def test_all_callers_share_a_failure_and_the_next_one_tries_anew(source, tokens):
    callers = await waiting(tokens, 3)
    source.failure = OperatorNeeded("no", reason_code="login-refused")
    source.gate.set()

    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [OperatorNeeded] * 3

    source.failure = None
    assert (await tokens.current()).reveal() == "access-2"


async def test_a_failure_nobody_waits_for_is_not_reported_as_forgotten(source, tokens):
    forgotten = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, report: forgotten.append(report))
    (only,) = await waiting(tokens, 1)
    only.cancel()
    source.failure = OperatorNeeded("no", reason_code="login-refused")
    source.gate.set()

    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    del only
    gc.collect()

    assert forgotten == []


async def test_whoever_is_refused_with_an_old_token_gets_the_one_renewed_meanwhile(source, tokens):
    source.gate.set()
    await tokens.current()
    stale = Bearer("access-0", kind=Auth.ACCESS)

    assert (await tokens.after_refresh(stale)).reveal() == "access-1"
    assert (await tokens.after_login(stale)).reveal() == "access-1"
    assert source.logins == 1
