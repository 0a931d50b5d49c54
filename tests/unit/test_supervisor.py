"""The supervisor's children: started again, each time later, unless that is of no use; ended with it."""

import asyncio
import itertools
import os
import signal
import time
from pathlib import Path

import pytest

from cli.supervisor import keep_running
from runtime.errors import ConfigurationError
from runtime.loops import Stopping
from tests.support.waiting import until


class Child:
    """A program of one line that first writes down its process id and when it was started."""

    def __init__(self, directory: Path, then: str) -> None:
        self._log = directory / "starts"
        self.command = ("/bin/sh", "-c", f'echo "$$ $(date +%s%N)" >> {self._log}; {then}')

    def starts(self) -> list[tuple[int, float]]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [(int(pid), int(at) / 1e9) for pid, at in map(str.split, lines)]


def environ() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


async def test_a_child_that_fails_again_and_again_waits_longer_each_time(tmp_path: Path) -> None:
    child, stopping = Child(tmp_path, "exit 65"), Stopping()

    keeping = asyncio.create_task(keep_running("mapper", child.command, environ=environ(), stopping=stopping))
    await until(lambda: len(child.starts()) == 4)
    stopping.set()
    await keeping

    # Pauses of 0.5, 1 and 2 s, or down to half of that.
    times = [at for _, at in child.starts()]
    first, second, third = (later - earlier for earlier, later in itertools.pairwise(times))
    assert (first > 0.25, second > 0.5, third > 1) == (True, True, True)


async def test_a_child_whose_settings_are_wrong_is_not_started_again(tmp_path: Path) -> None:
    child, stopping = Child(tmp_path, "exit 78"), Stopping()

    with pytest.raises(ConfigurationError, match="mapper"):
        await keep_running("mapper", child.command, environ=environ(), stopping=stopping)

    assert len(child.starts()) == 1
    assert stopping  # the others end too: a person has to look


async def test_a_child_that_was_killed_is_started_again(tmp_path: Path) -> None:
    child, stopping = Child(tmp_path, "exec sleep 60"), Stopping()

    keeping = asyncio.create_task(keep_running("mapper", child.command, environ=environ(), stopping=stopping))
    await until(lambda: len(child.starts()) == 1)
    os.kill(child.starts()[0][0], signal.SIGKILL)
    await until(lambda: len(child.starts()) == 2)
    stopping.set()
    await keeping

    assert child.starts()[0][0] != child.starts()[1][0]


async def test_a_child_is_asked_to_end_when_the_supervisor_stops(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    child, stopping = Child(tmp_path, f"trap 'touch {ended}; exit 0' TERM; sleep 60 & wait"), Stopping()

    keeping = asyncio.create_task(keep_running("mapper", child.command, environ=environ(), stopping=stopping))
    await until(lambda: len(child.starts()) == 1)
    since = time.monotonic()
    stopping.set()
    await keeping

    assert ended.exists()
    assert time.monotonic() - since < 10
