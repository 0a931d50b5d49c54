"""The fixtures: one pair of servers per run, a database and topics per test, and nothing left afterwards."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from stack import local
from stack.directory import StackDirectory
from stack.local import Addresses
from stack.processes import is_running
from stack.waiting import until
from tests.support.own_stack import POSTGRES_ONLY, own_environment
from tests.support.stack import fresh_database, fresh_topic_prefix, remove_abandoned_runs
from tests.support.stack_clients import create_topic, databases_of, topics_of, until_topics, value_of

INNER_CONFTEST = "from tests.conftest import *"
INNER_TESTS = """
import os, signal
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_shows_what_it_got_and_waits(number, stack, run_directory):
    written = Path(__file__).with_name(f"{number}.part")
    written.write_text(f"{run_directory} {stack.postgres_dsn}")
    written.rename(written.with_suffix(".txt"))
    signal.pause()
"""


def inner_run(tmp_path: Path, tests: str) -> "subprocess.Popen[bytes]":
    """A test run of its own on two workers, in a session of its own, with PostgreSQL as its only server."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (tmp_path / "conftest.py").write_text(INNER_CONFTEST)
    (tmp_path / "test_inner.py").write_text(tests)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=own_environment(KSEF_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:9"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_all_workers_of_a_run_share_one_server_that_an_interrupted_run_takes_along(
    tmp_path: Path, ending: signal.Signals
) -> None:
    run = inner_run(tmp_path, INNER_TESTS)
    shown = [tmp_path / "1.txt", tmp_path / "2.txt"]
    try:
        assert until(lambda: all(path.exists() for path in shown), seconds=60)
        first, second = (path.read_text() for path in shown)
        directory = Path(first.partition(" ")[0])
        server = StackDirectory(directory).state.postgres
        assert server is not None
        assert is_running(server.process)

        # Ctrl-C reaches the whole process group, a time limit only the process that was started.
        os.killpg(run.pid, ending) if ending is signal.SIGINT else run.send_signal(ending)
        run.wait(60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)

    assert first == second
    assert not is_running(server.process)
    assert not directory.exists()


def test_a_run_that_asks_for_no_server_starts_none(tmp_path: Path) -> None:
    with inner_run(
        tmp_path, "def test_alone(run_directory):\n    assert not run_directory.exists()\n"
    ) as run:
        assert run.wait(60) == 0


def test_a_run_whose_controller_was_killed_is_removed_by_the_next() -> None:
    with subprocess.Popen(["sleep", "60"]) as controller:
        directory = Path(tempfile.gettempdir()) / f"courier-test-{controller.pid}-abc123"
        local.up(directory, durable=False, settings=POSTGRES_ONLY)
        server = StackDirectory(directory).state.postgres
        assert server is not None

        remove_abandoned_runs()
        assert is_running(server.process)
        controller.kill()
        controller.wait(10)
        remove_abandoned_runs()

    assert not directory.exists()
    assert not is_running(server.process)


async def test_a_database_is_at_hand_for_each_test(database: str) -> None:
    assert await value_of(database, "select 1") == 1


async def test_each_test_gets_a_database_of_its_own_that_is_dropped_with_its_sessions(
    stack: Addresses, migrated_template: str
) -> None:
    with fresh_database(stack.postgres_dsn, template=migrated_template) as one:
        with fresh_database(stack.postgres_dsn, template=migrated_template) as other:
            assert one != other
        left_open = await asyncpg.connect(one)
        name = await left_open.fetchval("select current_database()")

    assert name not in await databases_of(stack.postgres_dsn)
    left_open.terminate()


async def test_the_topics_of_a_test_are_deleted_and_no_others(stack: Addresses, topic_prefix: str) -> None:
    kept = f"{topic_prefix}stays"
    await create_topic(stack.kafka_bootstrap, kept)

    with fresh_topic_prefix(stack.kafka_bootstrap) as prefix:
        gone = f"{prefix}goes"
        await create_topic(stack.kafka_bootstrap, gone)
        await until_topics(stack.kafka_bootstrap, {kept, gone}.issubset)

    await until_topics(stack.kafka_bootstrap, lambda topics: gone not in topics)
    assert kept in await topics_of(stack.kafka_bootstrap)
