"""Migrations: SQL files per owner, applied once, in order, each in its own transaction.

``NNNN.pre.<what>.sql`` is safe while the old code still runs; ``NNNN.post.<what>.sql`` only after it is gone.
An applied file that was edited, or one that this version does not know, stops everything: the schema is then
not what the code was written for.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import asyncpg

from runtime.db import MONTHS_AHEAD, Connection
from runtime.errors import ConfigurationError
from runtime.settings import Environment

Phase = Literal["pre", "post"]
_FILE_NAME = re.compile(r"^\d{4}\.(pre|post)\.[a-z0-9-]+\.sql$")
# Any constant; it only has to be the same in every process that migrates.
_LOCK = 0x6B736566
_LONGEST_SECONDS = 3600.0

_LOCK_SQL = "select pg_advisory_lock($1)"
_UNLOCK_SQL = "select pg_advisory_unlock($1)"
# An index on a large table takes its time, and so does waiting for whoever else migrates.
_NO_TIMEOUT = "select set_config('statement_timeout', '0', false)"
_TIMEOUT_AGAIN = "reset statement_timeout"
_EXISTS = "select to_regclass('meta.migration') is not null"
_APPLIED = "select owner, name, sha256 from meta.migration"
_RECORD = "insert into meta.migration (owner, name, sha256) values ($1, $2, $3)"
_STAMP = "insert into meta.installation (environment) values ($1) on conflict do nothing"
_ENVIRONMENT = "select environment from meta.installation"
_SCHEMAS = """
    select distinct n.nspname from pg_partitioned_table p
    join pg_class c on c.oid = p.partrelid join pg_namespace n on n.oid = c.relnamespace
"""
_ENSURE_PARTITIONS = "select meta.ensure_partitions($1, $2)"


@dataclass(frozen=True, slots=True)
class Migration:
    owner: str
    name: str
    phase: Phase
    sql: str

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.sql.encode()).digest()


def discover(packages: Sequence[str]) -> list[Migration]:
    """The migration files of ``packages`` (import names), in the order they are to be applied."""
    found = []
    for package in packages:
        owner = package.rpartition(".")[2]
        directory = files(package) / "migrations"
        for path in sorted(directory.iterdir(), key=lambda entry: entry.name):
            match = _FILE_NAME.match(path.name)
            if match is None:
                raise ConfigurationError(
                    f"{package}/migrations/{path.name}: a migration is named NNNN.pre|post.<what>.sql"
                )
            phase: Phase = "pre" if match[1] == "pre" else "post"
            found.append(Migration(owner=owner, name=path.name, phase=phase, sql=path.read_text("utf-8")))
    return found


async def migrate(
    connection: asyncpg.Connection,
    migrations: Sequence[Migration],
    *,
    environment: Environment,
    phases: Sequence[Phase] = ("pre", "post"),
) -> list[Migration]:
    """Apply what is missing; returns what was applied. Raises :class:`ConfigurationError`, changing nothing.

    May block behind another process that migrates.
    """
    async with _alone(connection):
        missing = await find_missing(connection, migrations)
        if len(missing) < len(migrations):
            await check_environment(connection, environment)
        wanted = [migration for migration in missing if migration.phase in phases]
        for migration in wanted:
            async with connection.transaction():
                await connection.execute(migration.sql, timeout=_LONGEST_SECONDS)
                await connection.execute(_RECORD, migration.owner, migration.name, migration.sha256)
                await connection.execute(_STAMP, environment)
        for row in await connection.fetch(_SCHEMAS):
            await connection.execute(_ENSURE_PARTITIONS, row["nspname"], MONTHS_AHEAD)
    return wanted


@asynccontextmanager
async def _alone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    await connection.execute(_NO_TIMEOUT)
    await connection.execute(_LOCK_SQL, _LOCK, timeout=_LONGEST_SECONDS)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(_UNLOCK_SQL, _LOCK)
            await connection.execute(_TIMEOUT_AGAIN)


async def check(connection: Connection, migrations: Sequence[Migration], *, environment: Environment) -> None:
    """Raise :class:`ConfigurationError` unless the database is what this version needs."""
    missing = [m for m in await find_missing(connection, migrations) if m.phase == "pre"]
    if missing:
        names = ", ".join(f"{m.owner}/{m.name}" for m in missing)
        raise ConfigurationError(f"the database lacks {names}: run `ksef-courier migrate`")
    await check_environment(connection, environment)


async def check_environment(connection: Connection, environment: Environment) -> None:
    stamped = await connection.fetchval(_ENVIRONMENT)
    if stamped != environment:
        raise ConfigurationError(
            f"this database belongs to the KSeF environment {stamped!r}, the settings say {environment!r}: "
            "one installation speaks to one environment; use another database"
        )


async def find_missing(connection: Connection, migrations: Sequence[Migration]) -> list[Migration]:
    """Those that were not applied yet. Raises :class:`ConfigurationError` for edited and unknown ones."""
    if not await connection.fetchval(_EXISTS):
        return list(migrations)
    applied = {(row["owner"], row["name"]): row["sha256"] for row in await connection.fetch(_APPLIED)}
    known = {(m.owner, m.name): m for m in migrations}
    if unknown := sorted(applied.keys() - known.keys()):
        names = ", ".join("/".join(key) for key in unknown)
        raise ConfigurationError(
            f"the database has migrations that this version does not know ({names}): "
            "it was migrated by a newer version; run that one"
        )
    for key, sha256 in applied.items():
        if known[key].sha256 != sha256:
            raise ConfigurationError(
                f"migration {'/'.join(key)} was edited after it had been applied: "
                "restore the file and put the change into a new one"
            )
    return [m for m in migrations if (m.owner, m.name) not in applied]
