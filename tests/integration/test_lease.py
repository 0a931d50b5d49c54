"""Leases on a real database: one owner at a time, and a former owner writes nothing."""

import asyncio
import math

import pytest

from runtime.db import Database
from runtime.errors import LeaseLost
from runtime.lease import Lease, Leases
from tests.support.leases import create_work, due_in_seconds, leases, owner_of, run_out


async def take_one(pool: Database, owner: Leases) -> Lease:
    (lease,) = await owner.take(pool, limit=1)
    return lease


async def test_a_key_has_one_owner_at_a_time(pool: Database) -> None:
    await create_work(pool, "a")

    taken = await asyncio.gather(*(leases(f"p{n}").take(pool, limit=1) for n in range(8)))

    assert sorted(len(found) for found in taken) == [0, 0, 0, 0, 0, 0, 0, 1]


async def test_owners_that_ask_together_share_the_keys(pool: Database) -> None:
    keys = [f"k{n}" for n in range(20)]
    await create_work(pool, *keys)

    taken = await asyncio.gather(*(leases(f"p{n}").take(pool, limit=5) for n in range(4)))

    assert all(len(found) <= 5 for found in taken)
    everything = [lease.key for found in taken for lease in found]
    assert len(everything) == len(set(everything))


async def test_no_more_than_the_limit_is_taken_and_the_longest_due_first(pool: Database) -> None:
    await create_work(pool, "a", "b", "c")
    await pool.execute("update public.work set due_at = now() - interval '1 hour' where key = 'b'")
    await pool.execute("update public.work set due_at = now() + interval '1 hour' where key = 'c'")

    assert (await take_one(pool, leases("p"))).key == "b"
    assert [lease.key for lease in await leases("p").take(pool, limit=5)] == ["a"]


async def test_the_fence_grows_with_every_take_over(pool: Database) -> None:
    await create_work(pool, "a")
    first, second = leases("first"), leases("second")

    one = await take_one(pool, first)
    await first.release(pool, one, due_in_seconds=0)
    two = await take_one(pool, first)
    await run_out(pool, "a")
    three = await take_one(pool, second)

    assert (one.fence, two.fence, three.fence) == (1, 2, 3)


async def test_a_former_owner_can_write_nothing(pool: Database) -> None:
    await create_work(pool, "a")
    former, present = leases("former"), leases("present")
    lost = await take_one(pool, former)
    await run_out(pool, "a")
    held = await take_one(pool, present)

    with pytest.raises(LeaseLost):
        await guarded_write(pool, former, lost)
    with pytest.raises(LeaseLost):
        await former.renew(pool, lost)
    await former.release(pool, lost, due_in_seconds=0)

    await guarded_write(pool, present, held)
    assert await owner_of(pool, "a") == "present"


async def guarded_write(pool: Database, owner: Leases, lease: Lease) -> None:
    async with pool.transaction() as connection:
        await owner.guard(connection, lease)


async def test_the_guard_holds_a_take_over_off_until_the_write_is_committed(pool: Database) -> None:
    await create_work(pool, "a")
    owner, other = leases("owner"), leases("other")
    lease = await take_one(pool, owner)
    await run_out(pool, "a")

    async with pool.transaction() as connection:
        await owner.guard(connection, lease)
        assert await other.take(pool, limit=1) == []

    assert [taken.fence for taken in await other.take(pool, limit=1)] == [lease.fence + 1]


async def test_a_renewed_lease_has_a_later_deadline_and_the_same_fence(pool: Database) -> None:
    await create_work(pool, "a")
    times = iter([100.0, 107.0])
    owner = Leases("public.work", owner="p", seconds=10, clock=lambda: next(times))

    lease = await take_one(pool, owner)
    renewed = await owner.renew(pool, lease)

    assert lease == Lease(key="a", fence=1, deadline=110.0)
    assert renewed == Lease(key="a", fence=1, deadline=117.0)


async def test_a_lease_that_has_run_out_is_not_renewed_even_if_nobody_took_it(pool: Database) -> None:
    await create_work(pool, "a")
    owner = leases("p")
    lease = await take_one(pool, owner)
    await run_out(pool, "a")

    with pytest.raises(LeaseLost, match="a "):
        await owner.renew(pool, lease)


async def test_a_dead_owners_key_is_taken_over_although_no_work_is_due(pool: Database) -> None:
    await create_work(pool, "a")
    await take_one(pool, leases("dead"))
    assert await leases("next").take(pool, limit=1) == []

    await run_out(pool, "a")

    assert (await take_one(pool, leases("next"))).key == "a"


async def test_a_dead_owners_key_is_not_starved_by_others_that_are_always_due(pool: Database) -> None:
    await create_work(pool, "dead", "busy1", "busy2")
    await pool.execute("update public.work set due_at = now() - interval '1 day' where key = 'dead'")
    await take_one(pool, leases("dead"))
    await pool.execute("update public.work set lease_until = now() - interval '1 hour' where key = 'dead'")

    assert (await take_one(pool, leases("next"))).key == "dead"


@pytest.mark.parametrize(("asked", "expected"), [(None, math.inf), (0.0, 0.0), (60.0, 60.0)])
async def test_a_released_key_is_due_when_its_owner_said(
    pool: Database, asked: float | None, expected: float
) -> None:
    await create_work(pool, "a")
    owner = leases("p")
    lease = await take_one(pool, owner)

    await owner.release(pool, lease, due_in_seconds=asked)

    assert await due_in_seconds(pool, "a") == pytest.approx(expected, abs=5)
    assert await owner_of(pool, "a") is None


@pytest.mark.parametrize("asked", [None, 3600.0])
async def test_work_that_arrives_while_the_lease_is_held_is_not_hidden_by_the_release(
    pool: Database, asked: float | None
) -> None:
    await create_work(pool, "a")
    owner = leases("p")
    lease = await take_one(pool, owner)

    async with pool.transaction() as connection:
        await owner.make_due(connection, ["a"])
    await owner.release(pool, lease, due_in_seconds=asked)

    assert await due_in_seconds(pool, "a") <= 0
    assert (await take_one(pool, owner)).fence == 2


async def test_work_that_the_owner_has_taken_note_of_does_not_make_the_key_due_again(pool: Database) -> None:
    await create_work(pool, "a")
    owner = leases("p")
    lease = await take_one(pool, owner)

    async with pool.transaction() as connection:
        await owner.make_due(connection, ["a"])
        await owner.guard_and_consume(connection, lease)
    await owner.release(pool, lease, due_in_seconds=None)

    assert await due_in_seconds(pool, "a") == math.inf


async def test_new_work_does_not_postpone_a_key_that_is_due_earlier(pool: Database) -> None:
    await create_work(pool, "a")

    async with pool.transaction() as connection:
        await leases("p").make_due(connection, ["a"])

    assert await due_in_seconds(pool, "a") < -50
