"""Processes are recognised by number and start, and only those are ever signalled."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import local, state
from stack.errors import StackError, StartFailed
from stack.processes import Process, is_running, run, send, spawn, stop, tail
from stack.settings import Settings
from stack.state import KafkaState, PostgresState, State
from stack.waiting import until

ENV = {"PATH": "/usr/bin:/bin"}
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    process = spawn(["sleep", "60"], cwd=tmp_path, env=ENV, log=tmp_path / "log")
    yield process
    stop(process, (signal.SIGKILL, 10))


def test_a_started_process_runs_until_it_is_stopped(sleeper: Process) -> None:
    assert is_running(sleeper)

    stop(sleeper, (signal.SIGTERM, 10))

    assert not is_running(sleeper)


def test_a_number_that_belongs_to_another_start_is_not_our_process(sleeper: Process) -> None:
    assert not is_running(Process(pid=sleeper.pid, started="another start"))


def test_a_foreign_process_under_our_number_is_never_signalled(sleeper: Process) -> None:
    stale = Process(pid=sleeper.pid, started="another start")

    send(stale, signal.SIGKILL)
    stop(stale, (signal.SIGKILL, 1))

    assert is_running(sleeper)


def test_down_leaves_a_foreign_process_alone_that_has_the_recorded_number(
    sleeper: Process, tmp_path: Path
) -> None:
    directory = tmp_path / "stack"
    directory.mkdir(mode=0o700)
    stale = Process(pid=sleeper.pid, started="another start")
    recorded = State(
        kafka=KafkaState(port=1, controller_port=2, process=stale),
        postgres=PostgresState(port=3, password="x", durable=True, process=stale),
    )
    state.save(directory / "state.json", recorded)

    local.down(directory, keep_data=True, settings=Settings(directory=directory, cache=tmp_path))

    assert is_running(sleeper)


def test_a_process_that_ignores_the_first_signal_gets_the_next(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = spawn([sys.executable, "-c", DEAF], cwd=tmp_path, env=ENV, log=log)
    assert until(lambda: b"deaf" in log.read_bytes(), seconds=10)

    stop(process, (signal.SIGTERM, 0.2), (signal.SIGKILL, 10))

    assert not is_running(process)


def test_a_process_that_outlives_every_signal_is_an_error(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = spawn([sys.executable, "-c", DEAF], cwd=tmp_path, env=ENV, log=log)
    assert until(lambda: b"deaf" in log.read_bytes(), seconds=10)

    with pytest.raises(StackError, match=f"process {process.pid} did not end on SIGTERM"):
        stop(process, (signal.SIGTERM, 0.1))

    stop(process, (signal.SIGKILL, 10))


def test_the_log_is_appended_to_and_private(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("earlier\n")

    process = spawn(["sh", "-c", "echo out; echo err >&2; umask"], cwd=tmp_path, env=ENV, log=log)

    assert until(lambda: not is_running(process), seconds=10)
    assert log.read_text() == "earlier\nout\nerr\n0077\n"


def test_a_failing_command_shows_the_end_of_its_output(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"sh failed \(exit code 3\):\n  \| reason"):
        run(["sh", "-c", "echo reason; exit 3"], cwd=tmp_path, env=ENV, seconds=10)


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="sleep did not end within 0 s"):
        run(["sleep", "60"], cwd=tmp_path, env=ENV, seconds=0.1)


def test_the_tail_is_the_last_twenty_lines() -> None:
    shown = tail(b"".join(b"line %d\n" % number for number in range(30))).splitlines()

    assert shown[0] == "  | line 10"
    assert shown[-1] == "  | line 29"
    assert len(shown) == 20


def test_an_empty_log_says_so() -> None:
    assert tail(b"") == "  | (no output)"
