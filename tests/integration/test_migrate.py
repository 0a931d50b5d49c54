"""Migrations on a real database: applied once, refused when the files are not what was applied."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from runtime.errors import ConfigurationError
from runtime.migrate import Migration, check, discover, migrate
from runtime.outbox import TABLE
from services import MIGRATED
from stack.local import Addresses
from tests.support.stack import fresh_database

NEXT = Migration(owner="kit", name="0001.pre.next.sql", phase="pre", sql="create table public.next ()")
LATER = Migration(owner="kit", name="0002.post.later.sql", phase="post", sql="drop table public.next")

# Relations of ours, without the partitions of others.
_TABLES = """
    select n.nspname || '.' || c.relname as name, c.relkind = 'p' as partitioned, d.description
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_description d on d.objoid = c.oid and d.objsubid = 0
    where c.relkind in ('r', 'p') and not c.relispartition
        and n.nspname not in ('pg_catalog', 'information_schema')
"""
_COLUMNS = """
    select column_name, data_type, is_nullable, column_default, is_identity
    from information_schema.columns where table_schema = $1 and table_name = $2 order by ordinal_position
"""
_BOUNDS = """
    select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds
    from pg_class c join pg_inherits i on i.inhrelid = c.oid
    where i.inhparent = $1::regclass order by 1
"""


@pytest.fixture
async def empty(stack: Addresses) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database in which nothing is."""
    with fresh_database(stack.postgres_dsn, template="template1") as dsn:
        connection = await asyncpg.connect(dsn)
        yield connection
        await connection.close()


@pytest.fixture
async def migrated(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


def kit() -> list[Migration]:
    return discover(["runtime"])


async def names(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "select owner || '/' || name as name from meta.migration order by applied_at, name"
    )
    return [row["name"] for row in rows]


async def test_migrations_are_applied_once_in_order(empty: asyncpg.Connection) -> None:
    first = await migrate(empty, [*kit(), NEXT], environment="test")
    second = await migrate(empty, [*kit(), NEXT], environment="test")

    assert [migration.name for migration in first] == [
        "0001.pre.kit.sql",
        "0002.pre.acts.sql",
        "0001.pre.next.sql",
    ]
    assert second == []
    assert await names(empty) == [
        "runtime/0001.pre.kit.sql",
        "runtime/0002.pre.acts.sql",
        "kit/0001.pre.next.sql",
    ]


async def test_the_pre_phase_leaves_what_is_only_safe_without_the_old_version(
    empty: asyncpg.Connection,
) -> None:
    before = await migrate(empty, [*kit(), NEXT, LATER], environment="test", phases=["pre"])
    await check(empty, [*kit(), NEXT, LATER], environment="test")
    after = await migrate(empty, [*kit(), NEXT, LATER], environment="test", phases=["post"])

    assert before == [*kit(), NEXT]
    assert after == [LATER]


async def test_a_failing_migration_leaves_nothing_of_itself_and_can_be_repeated(
    empty: asyncpg.Connection,
) -> None:
    broken = replace(NEXT, sql="create table public.next (); select 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty, [*kit(), broken], environment="test")

    assert [migration.name for migration in await migrate(empty, [*kit(), NEXT], environment="test")] == [
        NEXT.name
    ]


async def test_an_edited_migration_is_refused_by_name(migrated: asyncpg.Connection) -> None:
    first, *others = discover(MIGRATED)
    edited = replace(first, sql=first.sql + "-- a word more")

    with pytest.raises(ConfigurationError, match=r"runtime/0001\.pre\.kit\.sql was edited"):
        await migrate(migrated, [edited, *others], environment="test")


async def test_a_database_of_a_newer_version_is_refused(migrated: asyncpg.Connection) -> None:
    await migrate(migrated, [*discover(MIGRATED), NEXT], environment="test")

    with pytest.raises(ConfigurationError, match=r"does not know \(kit/0001\.pre\.next\.sql\)"):
        await check(migrated, discover(MIGRATED), environment="test")


async def test_a_worker_refuses_a_database_that_lacks_a_migration(migrated: asyncpg.Connection) -> None:
    with pytest.raises(
        ConfigurationError, match=r"lacks kit/0001\.pre\.next\.sql: run `ksef-courier migrate`"
    ):
        await check(migrated, [*discover(MIGRATED), NEXT], environment="test")


async def test_a_worker_refuses_an_empty_database(empty: asyncpg.Connection) -> None:
    with pytest.raises(ConfigurationError, match="run `ksef-courier migrate`"):
        await check(empty, kit(), environment="test")


async def test_another_environment_is_refused_before_anything_is_applied(
    migrated: asyncpg.Connection,
) -> None:
    with pytest.raises(ConfigurationError, match="'test', the settings say 'production'"):
        await migrate(migrated, [*discover(MIGRATED), NEXT], environment="production")
    with pytest.raises(ConfigurationError, match="'test', the settings say 'demo'"):
        await check(migrated, discover(MIGRATED), environment="demo")

    assert "kit/0001.pre.next.sql" not in await names(migrated)


async def test_two_that_migrate_at_once_apply_everything_once(stack: Addresses) -> None:
    with fresh_database(stack.postgres_dsn, template="template1") as dsn:
        connections = [await asyncpg.connect(dsn) for _ in range(3)]
        try:
            applied = await asyncio.gather(
                *(migrate(connection, discover(MIGRATED), environment="test") for connection in connections)
            )
        finally:
            for connection in connections:
                await connection.close()

    assert sorted(len(found) for found in applied) == [0, 0, len(discover(MIGRATED))]


async def test_a_migration_may_last_longer_than_a_statement(empty: asyncpg.Connection) -> None:
    await empty.execute("set statement_timeout = '50ms'")
    slow = replace(NEXT, sql="select pg_sleep(0.2)")

    assert await migrate(empty, [*kit(), slow], environment="test") == [*kit(), slow]


@pytest.mark.parametrize(
    "name", ["0001.init.sql", "1.pre.init.sql", "0001.pre.init.sql.bak", "0001.pre.Init.sql"]
)
def test_a_file_that_is_not_named_as_a_migration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    package = tmp_path / f"kit_{abs(hash(name))}"
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "migrations" / name).write_text("select 1")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigurationError, match=re.escape(name)):
        discover([package.name])


# The schema of all migrations


@pytest.mark.parametrize("schema", ["validator", "sender", "tracker"])
async def test_every_outbox_has_the_shape_that_the_relay_asks_for(
    migrated: asyncpg.Connection, schema: str
) -> None:
    await migrated.execute("create schema promised")
    await migrated.execute(TABLE.format(schema="promised"))

    assert await migrated.fetch(_COLUMNS, schema, "outbox") == await migrated.fetch(
        _COLUMNS, "promised", "outbox"
    )


async def test_no_other_schema_has_an_outbox(migrated: asyncpg.Connection) -> None:
    tables = {row["name"] for row in await migrated.fetch(_TABLES)}

    assert {name for name in tables if name.endswith(".outbox")} == {
        "validator.outbox",
        "sender.outbox",
        "tracker.outbox",
    }


async def test_every_table_is_partitioned_by_month_or_says_why_not(migrated: asyncpg.Connection) -> None:
    tables = await migrated.fetch(_TABLES)

    assert unexplained(tables) == []
    assert len(tables) > 10


async def test_a_table_that_is_neither_partitioned_nor_explained_is_found(
    migrated: asyncpg.Connection,
) -> None:
    await migrated.execute("create table public.grows (at timestamptz)")
    await migrated.execute("comment on table public.grows is 'grows for ever'")

    assert unexplained(await migrated.fetch(_TABLES)) == ["public.grows"]


def unexplained(tables: list[asyncpg.Record]) -> list[str]:
    return [
        row["name"]
        for row in tables
        if not row["partitioned"] and not (row["description"] or "").startswith(("identity: ", "queue: "))
    ]


async def test_every_partitioned_table_has_this_months_partition_and_the_next_two(
    migrated: asyncpg.Connection,
) -> None:
    tables = [row["name"] for row in await migrated.fetch(_TABLES) if row["partitioned"]]
    counts = {table: len(await migrated.fetch(_BOUNDS, table)) for table in tables}

    assert set(counts.values()) == {3}


@pytest.mark.parametrize("timezone", ["Europe/Warsaw", "America/Los_Angeles"])
async def test_partitions_are_months_of_utc_whoever_makes_them(
    migrated: asyncpg.Connection, timezone: str
) -> None:
    await migrated.execute("create table tracker.probe (at timestamptz) partition by range (at)")
    await migrated.execute(f"set timezone = '{timezone}'")
    await migrated.execute("select meta.ensure_partitions('tracker', 3)")
    await migrated.execute("set timezone = 'UTC'")

    bounds = [row["bounds"] for row in await migrated.fetch(_BOUNDS, "tracker.probe")]

    assert len(bounds) == 4
    assert all(
        re.fullmatch(r"FOR VALUES FROM \('[\d-]+-01 00:00:00\+00'\) TO \('[\d-]+-01 00:00:00\+00'\)", b)
        for b in bounds
    )


async def test_making_partitions_again_makes_none(migrated: asyncpg.Connection) -> None:
    made = [await migrated.fetchval("select meta.ensure_partitions('tracker', 4)") for _ in range(2)]

    assert made == [4, 0]  # two more months of its two tables
