"""A lease table of the tests' own, in the shape that ``runtime.lease`` asks for."""

from runtime.db import Database
from runtime.lease import Leases

_TABLE = """
    create table public.work (
        key          text        primary key,
        due_at       timestamptz not null default 'infinity',
        lease_owner  text,
        lease_until  timestamptz,
        fence        bigint      not null default 0
    )
"""
_ADD = """
    insert into public.work (key, due_at)
    select key, now() - interval '1 minute' from unnest($1::text[]) key
"""
_DUE_IN = "select extract(epoch from due_at - now())::float8 from public.work where key = $1"


async def create_work(pool: Database, *keys: str) -> None:
    """The table, with ``keys`` due for a minute."""
    await pool.execute(_TABLE)
    await pool.execute(_ADD, list(keys))


def leases(owner: str, *, seconds: float = 30) -> Leases:
    return Leases("public.work", owner=owner, seconds=seconds)


async def due_in_seconds(pool: Database, key: str) -> float:
    """Seconds until ``key`` is due: negative when it is, infinite when it waits for work."""
    return float(await pool.fetchval(_DUE_IN, key))


async def owner_of(pool: Database, key: str) -> str | None:
    owner: str | None = await pool.fetchval("select lease_owner from public.work where key = $1", key)
    return owner


async def run_out(pool: Database, key: str) -> None:
    """What time does to the lease of an owner that does not renew it."""
    await pool.execute("update public.work set lease_until = now() - interval '1 second' where key = $1", key)
