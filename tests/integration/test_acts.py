"""Acts of people on the real database: written once, found again, never changed."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from runtime import acts
from runtime.acts import Act
from runtime.db import Database


async def act(pool: Database, about: str, *, what: str = "company-paused", reason: str = "audit") -> None:
    async with pool.transaction() as connection:
        await acts.record(connection, who="anna", what=what, about=about, reason=reason, detail={"n": 1})


async def test_an_act_says_who_did_what_about_what_when_and_why(pool: Database) -> None:
    async with pool.transaction() as connection:
        act_id = await acts.record(
            connection,
            who="anna",
            what="company-paused",
            about="7010000117",
            reason="księgowość prosi",
            detail={"until": "2026-11-03", "documents": ["a", "b"]},
        )

    (found,) = await acts.latest(pool, limit=5)
    assert found == Act(
        at=found.at,
        act_id=act_id,
        who="anna",
        what="company-paused",
        about="7010000117",
        reason="księgowość prosi",
        detail={"until": "2026-11-03", "documents": ["a", "b"]},
    )
    assert timedelta(0) <= datetime.now(UTC) - found.at < timedelta(minutes=1)


async def test_the_newest_acts_come_first_and_of_one_kind_or_about_one_thing_if_asked(
    pool: Database,
) -> None:
    await act(pool, "a")
    await act(pool, "b")
    await act(pool, "a", what="company-resumed")

    assert [found.about for found in await acts.latest(pool, limit=2)] == ["a", "b"]
    assert [found.what for found in await acts.latest(pool, about="a", limit=5)] == [
        "company-resumed",
        "company-paused",
    ]
    assert [found.about for found in await acts.latest(pool, what="company-paused", limit=5)] == ["b", "a"]
    assert await acts.latest(pool, what="company-resumed", about="b", limit=5) == []


async def test_the_newest_act_of_each_thing_is_found(pool: Database) -> None:
    await act(pool, "a", reason="first")
    await act(pool, "a", reason="second")
    await act(pool, "b", what="company-resumed")

    found = await acts.latest_of_each(pool, what="company-paused", about=["a", "b", "c"])

    assert {about: item.reason for about, item in found.items()} == {"a": "second"}


async def test_an_act_of_a_transaction_that_fails_did_not_happen(pool: Database) -> None:
    async def act_and_fail() -> None:
        async with pool.transaction() as connection:
            await acts.record(connection, who="anna", what="w", about="a", reason="r", detail={})
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await act_and_fail()

    assert await acts.latest(pool, limit=1) == []


async def test_an_act_without_a_reason_is_refused(pool: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await act(pool, "a", reason="")


@pytest.mark.parametrize("change", ["update operations.act set who = 'eva'", "delete from operations.act"])
async def test_what_was_done_stays_written(pool: Database, change: str) -> None:
    await act(pool, "a")

    with pytest.raises(asyncpg.RaiseError, match="append only"):
        await pool.execute(change)

    assert [found.who for found in await acts.latest(pool, limit=5)] == ["anna"]
