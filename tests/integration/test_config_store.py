"""The applied configuration on a real database: versions, history, and what a reader sees of them."""

import asyncio
import json
from typing import Any

import pytest

from contracts.config import CompanyConfig, SourceConfig
from runtime import config
from runtime.config import Change, ConfigCache
from runtime.db import Database
from runtime.errors import ConfigurationError
from runtime.loops import Stopping
from tests.support.waiting import until

ALFA, BETA = "7010000117", "7020000225"


def source(name: str, *nips: str) -> SourceConfig:
    return SourceConfig(source=name, companies=nips)


def company(nip: str, *, name: str = "Alfa sp. z o.o.") -> CompanyConfig:
    return CompanyConfig.model_validate(
        {
            "nip": nip,
            "name": name,
            "address": {"line1": "ul. Prosta 1, 00-001 Warszawa"},
            "context": {"value": nip, "credential": {"token": "env:KSEF_TOKEN"}},
        }
    )


async def apply(
    pool: Database, *items: SourceConfig | CompanyConfig, by: str = "anna", dry_run: bool = False
) -> list[Change]:
    return await config.apply(
        pool,
        sources={item.source: item for item in items if isinstance(item, SourceConfig)},
        companies={item.nip: item for item in items if isinstance(item, CompanyConfig)},
        applied_by=by,
        reason="test",
        dry_run=dry_run,
    )


async def versions(pool: Database) -> int:
    return int(await pool.fetchval("select count(*) from config.revision"))


async def test_what_was_applied_is_read_back(pool: Database) -> None:
    changes = await apply(pool, source("north", ALFA), company(ALFA))

    snapshot = await config.read(pool)

    assert changes == [Change("company", ALFA, "added"), Change("source", "north", "added")]
    assert (snapshot.sources, snapshot.companies) == ({"north": source("north", ALFA)}, {ALFA: company(ALFA)})


async def test_files_that_are_gone_are_removed_and_others_changed(pool: Database) -> None:
    await apply(pool, source("north", ALFA), source("south", BETA), company(ALFA), company(BETA))

    changes = await apply(pool, source("north", ALFA), company(ALFA, name="Alfa S.A."))

    assert changes == [
        Change("company", ALFA, "changed"),
        Change("company", BETA, "removed"),
        Change("source", "south", "removed"),
    ]
    assert set((await config.read(pool)).sources) == {"north"}


async def test_applying_the_same_again_makes_no_version(pool: Database) -> None:
    await apply(pool, source("north", ALFA), company(ALFA))

    assert await apply(pool, source("north", ALFA), company(ALFA)) == []
    assert await versions(pool) == 1


async def test_a_dry_run_tells_the_changes_and_makes_none(pool: Database) -> None:
    assert await apply(pool, source("north", ALFA), dry_run=True) == [Change("source", "north", "added")]

    assert await versions(pool) == 0
    assert (await config.read(pool)).sources == {}


async def test_the_history_keeps_who_why_and_every_version(pool: Database) -> None:
    await apply(pool, source("north", ALFA), by="anna")
    await apply(pool, source("north", ALFA, BETA), by="jan")
    first, second = await pool.fetch(
        "select version, applied_by, reason from config.revision order by version"
    )

    assert (first["applied_by"], second["applied_by"], second["reason"]) == ("anna", "jan", "test")
    assert (await config.read(pool, first["version"])).sources["north"].companies == (ALFA,)


async def test_two_who_apply_at_once_take_turns(pool: Database) -> None:
    await asyncio.gather(*(apply(pool, source("north", ALFA), by=f"p{n}") for n in range(6)))

    assert await versions(pool) == 1


async def test_a_cache_takes_a_new_version_over_and_otherwise_stays_as_it_is(pool: Database) -> None:
    cache = ConfigCache(pool)
    await apply(pool, source("north", ALFA))

    assert [await cache.refresh(), await cache.refresh()] == [True, False]
    assert set(cache.current.sources) == {"north"}


async def test_a_cache_follows_until_it_is_to_stop(pool: Database) -> None:
    cache, stopping = ConfigCache(pool), Stopping()
    await apply(pool, source("north", ALFA))
    following = asyncio.create_task(cache.follow(stopping=stopping))
    await until(lambda: set(cache.current.sources) == {"north"})

    stopping.set()
    await following


async def test_a_snapshot_in_hand_does_not_change_under_its_reader(pool: Database) -> None:
    cache = ConfigCache(pool)
    await apply(pool, source("north", ALFA))
    await cache.refresh()
    in_hand = cache.current

    await apply(pool, source("south", ALFA))
    await cache.refresh()

    assert (set(in_hand.sources), set(cache.current.sources)) == ({"north"}, {"south"})


async def put(pool: Database, kind: str, name: str, body: dict[str, Any]) -> None:
    """As a newer version of ours would have written it."""
    version = await pool.fetchval(
        "insert into config.revision (applied_by) values ('newer') returning version"
    )
    await pool.execute(
        "insert into config.item (version, kind, name, body) values ($1, $2, $3, $4::jsonb)",
        version,
        kind,
        name,
        json.dumps(body),
    )


async def test_fields_of_a_newer_version_are_ignored_by_a_reader(pool: Database) -> None:
    await put(pool, "source", "north", {"source": "north", "companies": [ALFA], "channel": "folder"})
    await put(pool, "notification", "mail", {"to": "anna@example.org"})

    assert (await config.read(pool)).sources == {"north": source("north", ALFA)}


async def test_an_item_that_cannot_be_read_is_named_without_its_content(pool: Database) -> None:
    await put(pool, "source", "north", {"source": "north", "companies": "hunter2"})

    with pytest.raises(ConfigurationError, match=r"source north.*companies.*config apply") as refused:
        await config.read(pool)

    assert "hunter2" not in str(refused.value)
