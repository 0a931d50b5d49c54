"""Probes: live while the loop turns, ready while the last look was good and recent, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from runtime.probes import Health, Probes
from runtime.settings import ProbeSettings


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def health(hands: Hands) -> Health:
    return Health(clock=hands)


def test_a_worker_is_live_while_its_loop_turns(health: Health, hands: Hands) -> None:
    health.tick()

    assert health.live() == (True, "the loop turned 0.0 s ago")
    hands.now += 9.9
    assert health.live()[0]
    hands.now += 0.2
    assert health.live() == (False, "the loop turned 10.1 s ago")


def test_a_worker_that_starts_is_not_ready(health: Health) -> None:
    assert health.ready() == (False, "starting")


def test_a_worker_is_ready_after_a_good_look_and_says_why_not_otherwise(health: Health) -> None:
    health.checked([])
    assert health.ready()[0]

    health.checked(["the database takes no writes", "not a member of the consumer group yet"])
    assert health.ready() == (False, "the database takes no writes; not a member of the consumer group yet")


def test_a_look_that_is_too_old_is_worth_nothing(health: Health, hands: Hands) -> None:
    health.checked([])
    hands.now += 15.1

    assert health.ready() == (False, "checked 15.1 s ago")


def test_an_outage_of_the_outside_does_not_fail_liveness(health: Health) -> None:
    health.tick()
    health.checked(["the database does not answer: ConnectionRefusedError"])

    assert (health.live()[0], health.ready()[0]) == (True, False)


def test_a_check_that_was_under_way_does_not_make_an_ending_worker_ready_again(health: Health) -> None:
    health.checked([])
    health.ending = True

    health.checked([])

    assert health.ready() == (False, "stopping")


def test_a_worker_that_is_stuck_is_not_live_though_its_loop_turns(health: Health) -> None:
    health.tick()
    health.stuck = "no progress for 120 s"

    assert health.live() == (False, "no progress for 120 s")


@pytest.fixture
async def client(health: Health) -> AsyncIterator[httpx.AsyncClient]:
    probes = Probes(health, ProbeSettings())
    probes.start()
    async with httpx.AsyncClient(base_url=probes.address) as client:
        yield client
    await asyncio.to_thread(probes.stop)


async def test_the_probes_answer_over_http(health: Health, client: httpx.AsyncClient) -> None:
    health.tick()
    health.checked(["starting"])

    live, ready, metrics, other = [
        await client.get(path) for path in ("/livez", "/readyz", "/metrics", "/documents")
    ]

    assert (live.status_code, live.text) == (200, "ok: the loop turned 0.0 s ago\n")
    assert (ready.status_code, ready.text) == (503, "not ok: starting\n")
    assert (metrics.status_code, other.status_code) == (200, 404)
    assert "# HELP process_open_fds" in metrics.text


async def test_a_loop_that_stands_still_is_seen_from_outside(
    health: Health, hands: Hands, client: httpx.AsyncClient
) -> None:
    health.tick()
    hands.now += 60

    assert (await client.get("/livez")).status_code == 503


async def test_a_connection_that_says_nothing_does_not_hold_the_others_up(
    health: Health, client: httpx.AsyncClient
) -> None:
    health.tick()
    _, silent = await asyncio.open_connection(client.base_url.host, client.base_url.port)

    assert (await client.get("/livez")).status_code == 200

    silent.close()
    await silent.wait_closed()
