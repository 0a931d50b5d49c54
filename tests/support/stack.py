"""One Kafka and one PostgreSQL per test run, and what a single test takes from them.

The controller (the process that the user starts) names a directory. The first test that asks, in whichever
worker, brings the servers up in it, every other finds them running, and in the end the controller removes
them.
"""

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from runtime.migrate import discover, migrate
from services import MIGRATED
from stack.local import down
from stack.settings import Settings
from stack.waiting import blocking

_PREFIX = "courier-test-"
_RUN_NAME = re.compile(_PREFIX + r"(\d+)-[0-9a-f]{6}")
# Any constant; it only has to be the same in all workers.
_TEMPLATE_LOCK = 0x74656D70

_LOCK = "select pg_advisory_lock($1)"
_EXISTS = "select exists (select from pg_database where datname = $1)"
_DATABASES = "select datname from pg_database where starts_with(datname, $1)"
_TERMINATE = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = $1 and backend_type = 'client backend'
"""


async def prepare_template(dsn: str) -> None:
    """Fill the empty database ``dsn``, of which every test then gets a copy. Once per run."""
    connection = await asyncpg.connect(dsn)
    try:
        await migrate(connection, discover(MIGRATED), environment="test")
    finally:
        await connection.close()


def new_run_directory() -> Path:
    """Where this run's servers will live; named after this process, and not made yet."""
    return Path(tempfile.gettempdir()) / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(3)}"


def end_run(directory: Path) -> None:
    """Stop and remove the run's servers; on given servers, what was made for the run."""
    down(directory)
    given = Settings.from_environ(os.environ).postgres_dsn
    if given is not None:
        with suppress(OSError):  # a run that used no server does not need one to end
            blocking(lambda: _drop_all(given, prefix=_database_prefix(directory)))


def remove_abandoned_runs() -> None:
    """Stop and remove what runs of this user left behind whose controller was killed outright."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_abandoned(path):
            down(path)


def make_template(dsn: str, directory: Path) -> str:
    """The name of the run's template database, made by whichever worker comes first."""
    name = f"{_database_prefix(directory)}template"
    blocking(lambda: _make_template(dsn, name))
    return name


@contextmanager
def fresh_database(dsn: str, *, template: str) -> Iterator[str]:
    """The DSN of a copy of ``template`` on the server of ``dsn``; dropped afterwards, with its sessions."""
    name = f"{template.removesuffix('template')}{secrets.token_hex(4)}"
    blocking(lambda: _execute(dsn, f'create database "{name}" template "{template}"'))
    try:
        yield _with_database(dsn, name)
    finally:
        blocking(lambda: _drop(dsn, name))


@contextmanager
def fresh_topic_prefix(bootstrap_servers: str) -> Iterator[str]:
    """A prefix like ``t3f9a1.``; topics under it are deleted afterwards."""
    prefix = f"t{secrets.token_hex(3)}."
    try:
        yield prefix
    finally:
        blocking(lambda: _delete_topics(bootstrap_servers, prefix))


def _database_prefix(directory: Path) -> str:
    return f"test_{directory.name.removeprefix(_PREFIX).replace('-', '_')}_"


def _is_abandoned(path: Path) -> bool:
    named = _RUN_NAME.fullmatch(path.name)
    with suppress(FileNotFoundError):
        return named is not None and path.stat().st_uid == os.geteuid() and not _is_alive(int(named[1]))
    return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's by now
        return True
    return True


def _with_database(dsn: str, name: str) -> str:
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()


async def _make_template(dsn: str, name: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_LOCK, _TEMPLATE_LOCK)
        if await connection.fetchval(_EXISTS, name):
            return
        # Under its final name only when it is complete: a worker may be killed in between.
        unfinished = f"{name}_unfinished"
        await connection.execute(f'drop database if exists "{unfinished}"')
        await connection.execute(f'create database "{unfinished}"')
        await prepare_template(_with_database(dsn, unfinished))
        await connection.execute(f'alter database "{unfinished}" rename to "{name}"')
    finally:
        await connection.close()


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _drop(dsn: str, name: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        # Not "drop … with (force)": that needs a superuser as soon as autovacuum is at work in the database.
        await connection.fetch(_TERMINATE, name)
        await connection.execute(f'drop database if exists "{name}"')
    finally:
        await connection.close()


async def _drop_all(dsn: str, *, prefix: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        names = [row["datname"] for row in await connection.fetch(_DATABASES, prefix)]
    finally:
        await connection.close()
    for name in names:
        await _drop(dsn, name)


async def _delete_topics(bootstrap_servers: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        ours = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if ours:
            await admin.delete_topics(ours)
    finally:
        await admin.close()
