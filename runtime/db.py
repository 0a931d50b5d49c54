"""The connection pool, and what every table shares: partitions made ahead, TLS, bounded statements.

All SQL of a service is in its ``store.py``; this module has only what is nobody's in particular.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import Any, TypeAlias

import asyncpg

from runtime.settings import PostgresSettings

Connection: TypeAlias = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
MONTHS_AHEAD = 2
CLOSE_SECONDS = 5

_ENSURE_PARTITIONS = "select meta.ensure_partitions($1, $2)"
_WRITABLE = "select not pg_is_in_recovery()"


class Database:
    """A pool of connections. Transactions are short and never span a call to KSeF."""

    def __init__(self, pool: asyncpg.Pool, settings: PostgresSettings) -> None:
        self._pool = pool
        self._settings = settings

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self._pool.acquire() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction: committed at the end of the block, rolled back on any exception."""
        async with self._pool.acquire() as connection, connection.transaction():
            yield connection

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._pool.fetch(query, *args)
        return rows

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        return await self._pool.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        return await self._pool.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        status: str = await self._pool.execute(query, *args)
        return status

    async def is_writable(self) -> bool:
        """Whether this is a primary that answers. Raises what the driver raises when it does not."""
        return bool(await self._pool.fetchval(_WRITABLE))

    async def ensure_partitions(self, schema: str) -> int:
        """Make this month's and the next months' partitions; how many were new. Safe to repeat."""
        return int(await self._pool.fetchval(_ENSURE_PARTITIONS, schema, MONTHS_AHEAD))

    async def dedicated(self) -> asyncpg.Connection:
        """A connection outside the pool, for LISTEN. The caller closes it."""
        return await connect(self._settings)


@asynccontextmanager
async def open_database(settings: PostgresSettings, *, application_name: str) -> AsyncIterator[Database]:
    pool = await asyncpg.create_pool(
        min_size=1, max_size=settings.pool_size, **_arguments(settings, application_name=application_name)
    )
    try:
        yield Database(pool, settings)
    finally:
        # close() waits for every connection to come back; at the end of a process that may be never.
        with suppress(TimeoutError):
            await asyncio.wait_for(pool.close(), timeout=CLOSE_SECONDS)
        pool.terminate()


async def connect(
    settings: PostgresSettings, *, application_name: str = "ksef-courier"
) -> asyncpg.Connection:
    """One connection of its own."""
    return await asyncpg.connect(**_arguments(settings, application_name=application_name))


def first_of_month(day: date) -> date:
    return date(day.year, day.month, 1)


def _arguments(settings: PostgresSettings, *, application_name: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "dsn": settings.dsn.get_secret_value(),
        "timeout": 10,
        "command_timeout": settings.statement_timeout_seconds + 5,
        "server_settings": {
            "application_name": application_name,
            "timezone": "UTC",
            "statement_timeout": str(int(settings.statement_timeout_seconds * 1000)),
            # A process that died inside a transaction must not hold its locks for ever.
            "idle_in_transaction_session_timeout": "60000",
        },
    }
    if settings.ca_file is not None:
        context = ssl.create_default_context(cafile=str(settings.ca_file))
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        arguments["ssl"] = context
    return arguments
