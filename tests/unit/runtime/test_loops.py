"""Loops and pauses: what is waited out, what ends the process, and what ends a wait."""

import asyncio

import pytest

from runtime.errors import OperatorNeeded, Transient
from runtime.loops import Backoff, Stopping, repeat


def test_pauses_double_up_to_the_longest_with_jitter_below() -> None:
    backoff = Backoff(first=1, longest=5)

    pauses = [backoff.next_seconds() for _ in range(6)]

    ceilings = [1, 2, 4, 5, 5, 5]
    assert all(ceiling / 2 <= pause <= ceiling for pause, ceiling in zip(pauses, ceilings, strict=True))


def test_pauses_of_different_loops_differ() -> None:
    assert len({Backoff(first=1).next_seconds() for _ in range(20)}) > 1


def test_a_success_begins_the_pauses_anew() -> None:
    backoff = Backoff(first=1, longest=60)
    for _ in range(5):
        backoff.next_seconds()

    backoff.reset()

    assert backoff.next_seconds() <= 1


def test_the_pause_after_very_many_failures_is_still_a_number() -> None:
    backoff = Backoff(first=1, longest=30)

    assert max(backoff.next_seconds() for _ in range(5_000)) <= 30


async def test_a_step_is_repeated_until_the_process_stops() -> None:
    stopping = Stopping()
    steps = 0

    async def step() -> float:
        nonlocal steps
        steps += 1
        if steps == 3:
            stopping.set()
        return 0

    await repeat("test", step, stopping=stopping)

    assert steps == 3


async def test_a_step_that_stopping_precedes_is_not_taken() -> None:
    stopping = Stopping()
    stopping.set()

    async def step() -> float:
        raise AssertionError

    await repeat("test", step, stopping=stopping)


async def test_an_error_that_waiting_can_mend_is_waited_out() -> None:
    stopping = Stopping()
    errors = iter([Transient("away"), ConnectionRefusedError()])

    async def step() -> float:
        for error in errors:
            raise error
        stopping.set()
        return 0

    async with asyncio.timeout(10):
        await repeat("test", step, stopping=stopping)

    assert list(errors) == []


@pytest.mark.parametrize("error", [LookupError("a bug"), OperatorNeeded("a person")])
async def test_any_other_error_ends_the_loop(error: Exception) -> None:
    async def step() -> float:
        raise error

    with pytest.raises(type(error)):
        await repeat("test", step, stopping=Stopping())


async def test_a_wake_ends_a_wait_and_one_wake_ends_one_wait() -> None:
    stopping, wake = Stopping(), asyncio.Event()
    stepped: asyncio.Queue[None] = asyncio.Queue()

    async def step() -> float:
        stepped.put_nowait(None)
        return 3600

    loop = asyncio.create_task(repeat("test", step, stopping=stopping, wake=wake))
    async with asyncio.timeout(5):
        await stepped.get()
        wake.set()
        await stepped.get()

    assert not wake.is_set()
    stopping.set()
    await loop
    assert stepped.empty()


async def test_a_wake_during_a_step_is_not_lost() -> None:
    stopping, wake = Stopping(), asyncio.Event()
    steps = 0

    async def step() -> float:
        nonlocal steps
        steps += 1
        if steps == 1:
            wake.set()
        else:
            stopping.set()
        return 3600

    async with asyncio.timeout(5):
        await repeat("test", step, stopping=stopping, wake=wake)

    assert steps == 2


async def test_sleeping_ends_when_the_process_stops() -> None:
    stopping = Stopping()
    sleeping = asyncio.create_task(stopping.sleep(3600))
    stopping.set()

    async with asyncio.timeout(5):
        await sleeping

    assert stopping


async def test_sleeping_ends_after_its_time() -> None:
    stopping = Stopping()

    await stopping.sleep(0.01)

    assert not stopping
