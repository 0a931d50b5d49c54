"""Due work on a real database: who acts when, and what becomes of the lease."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from runtime.db import Database
from runtime.due import Act, DueWork, Holder
from runtime.errors import LeaseLost, OperatorNeeded, ProducerStuck, Transient
from runtime.loops import Stopping
from runtime.wake import notify
from tests.support.kit import opened
from tests.support.leases import create_work, due_in_seconds, leases, owner_of, run_out
from tests.support.waiting import until

CHANNEL = "work"
LISTENERS = "from pg_stat_activity where datname = current_database() and query ~* '^listen'"


@asynccontextmanager
async def working(
    pool: Database,
    act: Act,
    *,
    owner: str = "p",
    lease_seconds: float = 30,
    poll_seconds: float = 1,
    drain_seconds: float = 10,
) -> AsyncIterator[Stopping]:
    """Due work going on; stopped at the end, or by the test."""
    work = DueWork(
        service="test",
        database=pool,
        leases=leases(owner, seconds=lease_seconds),
        act=act,
        channel=CHANNEL,
        poll_seconds=poll_seconds,
        drain_seconds=drain_seconds,
    )
    stopping = Stopping()
    running = asyncio.create_task(work.run_until(stopping))
    try:
        yield stopping
    finally:
        stopping.set()
        await running


async def arrive(pool: Database, *keys: str) -> None:
    """Work for these keys, as a consumer's transaction brings it."""
    async with pool.transaction() as connection:
        await leases("anybody").make_due(connection, list(keys))
        await notify(connection, CHANNEL, list(keys))


class Acts:
    """Remembers what was held, and waits in the act until it may end."""

    def __init__(self) -> None:
        self.held: list[Holder] = []
        self.may_end = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, holder: Holder) -> float | None:
        self.held.append(holder)
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        self.ended.set()
        return None


async def test_a_client_in_doubt_ends_the_process_and_leaves_the_lease_to_run_out(pool: Database) -> None:
    await create_work(pool, "a")

    async def act(_: Holder) -> float | None:
        raise ProducerStuck("no confirmation within 45 s")

    work = DueWork(service="test", database=pool, leases=leases("p"), act=act, channel=CHANNEL)
    with pytest.raises(ProducerStuck):
        await asyncio.wait_for(work.run_until(Stopping()), timeout=15)

    assert await owner_of(pool, "a") == "p"


async def test_what_is_due_is_acted_on_and_released(pool: Database) -> None:
    await create_work(pool, "a", "b")
    acted: list[str] = []

    async def act(holder: Holder) -> float | None:
        acted.append(holder.key)
        return 3600

    async with working(pool, act):
        await until(lambda: sorted(acted) == ["a", "b"])
        await until(lambda: is_free(pool, "a"))

    assert await due_in_seconds(pool, "a") == pytest.approx(3600, abs=30)


async def is_free(pool: Database, key: str) -> bool:
    return await owner_of(pool, key) is None


async def test_work_that_is_announced_is_acted_on_without_waiting_for_the_clock(pool: Database) -> None:
    await create_work(pool)
    await pool.execute("insert into public.work (key) values ('a')")
    acts = Acts()
    acts.may_end.set()

    async with working(pool, acts, poll_seconds=3600):
        await until(lambda: is_listening(pool))
        await arrive(pool, "a")
        await until(lambda: len(acts.held) == 1)


async def test_work_that_nobody_announced_is_found_by_the_clock(pool: Database) -> None:
    await create_work(pool)
    acts = Acts()
    acts.may_end.set()

    async with working(pool, acts, poll_seconds=0.1):
        await pool.execute("insert into public.work (key, due_at) values ('a', now())")
        await until(lambda: len(acts.held) == 1)


async def is_listening(pool: Database, *, but_not: int = 0) -> bool:
    return bool(await pool.fetchval(f"select count(*) {LISTENERS} and pid <> $1", but_not))


async def test_a_listener_whose_connection_is_killed_comes_back(pool: Database) -> None:
    await create_work(pool, "a")
    acts = Acts()

    async with working(pool, acts):
        await until(lambda: is_listening(pool))
        killed = await pool.fetchval(f"select pid {LISTENERS}")
        await pool.execute("select pg_terminate_backend($1)", killed)
        await until(lambda: len(acts.held) == 1)
        await until(lambda: is_listening(pool, but_not=killed))
        await arrive(pool, "a")
        await until(acts.held[0].wake.is_set)
        acts.may_end.set()


async def test_an_act_learns_of_work_that_arrives_meanwhile_and_a_release_does_not_hide_it(
    pool: Database,
) -> None:
    await create_work(pool, "a")
    acts = Acts()

    async with working(pool, acts):
        await until(lambda: len(acts.held) == 1)
        await until(lambda: is_listening(pool))
        await arrive(pool, "a")
        await until(acts.held[0].wake.is_set)
        acts.may_end.set()
        await until(lambda: len(acts.held) == 2)

    assert [holder.lease.fence for holder in acts.held] == [1, 2]


async def test_two_processes_never_act_for_one_key_at_once(pool: Database, database: str) -> None:
    await create_work(pool, *[f"k{n}" for n in range(5)])
    acting: set[str] = set()
    acted: list[str] = []

    async def act(holder: Holder) -> float | None:
        assert holder.key not in acting
        acting.add(holder.key)
        await pool.fetchval("select pg_sleep(0.02)")
        acting.discard(holder.key)
        acted.append(holder.key)
        return 0

    async with opened(database) as other, working(pool, act, owner="one"), working(other, act, owner="two"):
        await until(lambda: len(acted) >= 40)

    assert set(acted) == {"k0", "k1", "k2", "k3", "k4"}


async def test_a_lease_is_renewed_for_as_long_as_its_act_lasts(pool: Database) -> None:
    await create_work(pool, "a")
    acts = Acts()

    async with working(pool, acts, lease_seconds=0.9):
        await until(lambda: len(acts.held) == 1)
        first = acts.held[0].lease.deadline
        await until(lambda: acts.held[0].lease.deadline > first + 0.9)
        acts.held[0].require(0.3)
        acts.may_end.set()
        await until(lambda: is_free(pool, "a"))

    assert len(acts.held) == 1
    assert not acts.cancelled.is_set()


async def test_an_act_is_cancelled_when_its_lease_is_lost_and_nothing_is_released(pool: Database) -> None:
    await create_work(pool, "a")
    acts = Acts()

    async with working(pool, acts, owner="former", lease_seconds=0.9):
        await until(lambda: len(acts.held) == 1)
        await run_out(pool, "a")
        await leases("present").take(pool, limit=1)
        await until(acts.cancelled.is_set)

    assert await owner_of(pool, "a") == "present"


async def test_an_act_is_cancelled_at_its_deadline_when_the_database_does_not_answer(pool: Database) -> None:
    await create_work(pool, "a")
    acts = Acts()

    async with working(pool, acts, lease_seconds=0.9):
        await until(lambda: len(acts.held) == 1)
        async with pool.transaction() as connection:  # every renewal waits behind it
            await connection.execute("select from public.work where key = 'a' for update")
            await until(acts.cancelled.is_set, seconds=3)
        acts.may_end.set()


async def test_require_refuses_a_call_that_the_lease_may_not_outlive(pool: Database) -> None:
    await create_work(pool, "a")
    owner = leases("p", seconds=10)
    (lease,) = await owner.take(pool, limit=1)
    holder = Holder(lease, owner)

    holder.require(5)
    with pytest.raises(LeaseLost, match=r"11\.0 s"):
        holder.require(11)


async def test_a_process_that_stalled_may_take_its_own_key_over_and_forgets_the_former_act(
    pool: Database,
) -> None:
    await create_work(pool, "a")
    acts = Acts()

    async with working(pool, acts, lease_seconds=3):
        await until(lambda: len(acts.held) == 1)
        await run_out(pool, "a")
        await until(lambda: len(acts.held) == 2)
        await until(acts.cancelled.is_set)
        acts.may_end.set()
        await until(lambda: is_free(pool, "a"))

    assert [holder.lease.fence for holder in acts.held] == [1, 2]


async def test_stopping_lets_an_act_finish_and_releases_its_lease(pool: Database) -> None:
    await create_work(pool, "a")
    acts = Acts()

    async with working(pool, acts) as stopping:
        await until(lambda: len(acts.held) == 1)
        stopping.set()
        await until(acts.held[0].stopping.is_set)
        assert await owner_of(pool, "a") == "p"
        acts.may_end.set()

    assert (acts.ended.is_set(), acts.cancelled.is_set()) == (True, False)
    assert await owner_of(pool, "a") is None


async def test_an_act_that_does_not_finish_in_time_is_cancelled_and_keeps_its_lease(pool: Database) -> None:
    await create_work(pool, "a")
    acts = Acts()

    async with working(pool, acts, drain_seconds=0.1):
        await until(lambda: len(acts.held) == 1)

    assert acts.cancelled.is_set()
    assert await owner_of(pool, "a") == "p"


async def test_a_cancelled_worker_leaves_no_act_behind(pool: Database) -> None:
    await create_work(pool, "a")
    acts = Acts()
    work = DueWork(service="test", database=pool, leases=leases("p"), act=acts, channel=CHANNEL)
    running = asyncio.create_task(work.run_until(Stopping()))
    await until(lambda: len(acts.held) == 1)

    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert acts.cancelled.is_set()


async def test_an_act_that_needs_an_operator_pauses_for_a_minute(pool: Database) -> None:
    await create_work(pool, "a")

    async def act(_holder: Holder) -> float | None:
        raise OperatorNeeded("the token is revoked")

    async with working(pool, act):
        await until(lambda: waits(pool, "a"))

    assert await due_in_seconds(pool, "a") == pytest.approx(60, abs=15)


async def waits(pool: Database, key: str) -> bool:
    return await owner_of(pool, key) is None and await due_in_seconds(pool, key) > 0


@pytest.mark.parametrize("error", [Transient("KSeF is away"), LookupError("a bug")])
async def test_an_act_that_fails_is_repeated_later_each_time(pool: Database, error: Exception) -> None:
    await create_work(pool, "a")
    attempts: list[float] = []
    loop = asyncio.get_running_loop()

    async def act(_holder: Holder) -> float | None:
        attempts.append(loop.time())
        raise error

    async with working(pool, act):
        await until(lambda: len(attempts) == 2)
        await until(lambda: waits(pool, "a"))

    # The first pause is at most 1 s, and found by the clock once a second; the second is at least 1 s.
    assert attempts[1] - attempts[0] >= 0.5
    assert 0.5 < await due_in_seconds(pool, "a") <= 2


async def test_an_act_that_finds_its_lease_lost_releases_nothing(pool: Database) -> None:
    await create_work(pool, "a")
    asked = asyncio.Event()

    async def act(_holder: Holder) -> float | None:
        asked.set()
        raise LeaseLost("taken over")

    async with working(pool, act):
        await until(asked.is_set)

    assert await owner_of(pool, "a") == "p"
