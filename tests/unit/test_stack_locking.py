"""One holder at a time, also when the holder removes the file that it locked."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from stack.errors import Busy, NotOurs
from stack.locking import locked, private_directory
from stack.progress import Step

# Takes the lock, says so, and holds it until its input is closed.
HOLDER = """
import sys
from pathlib import Path
from stack.locking import locked
with locked(Path(sys.argv[1]), seconds=10):
    print("held", flush=True)
    sys.stdin.read()
    if sys.argv[2:]:
        # In one step: between two, whoever waits could make the file anew in the old directory.
        Path(sys.argv[1]).parent.rename(Path(sys.argv[1]).parent.with_name("removed"))
"""


def holder(path: Path, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_kept_out_and_told_which_lock_it_waits_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    steps: list[Step] = []
    with holder(path) as process:
        with pytest.raises(Busy, match=f"another process has held {path} for 0 s"), ExitStack() as entered:
            entered.enter_context(locked(path, seconds=0.2, progress=steps.append))
        process.communicate()

    assert steps == [Step(f"waiting for another process that holds {path}")]


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holder(path) as process:
        process.kill()
        process.wait(10)

        with locked(path, seconds=5):
            assert path.exists()


def test_who_waited_for_a_lock_whose_directory_was_removed_gets_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "stack" / "lock"
    released: list[Step] = []

    with holder(path, "and-remove") as process:

        def release(step: Step) -> None:
            released.append(step)
            assert process.stdin is not None
            process.stdin.close()

        with locked(path, seconds=10, progress=release):
            assert path.exists()

    assert len(released) == 1
    assert process.returncode == 0


def test_a_file_that_is_removed_between_opening_and_locking_is_not_taken_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    really_open = os.open
    opened: list[int] = []

    def lose_the_first(name: Path, flags: int, mode: int) -> int:
        descriptor = really_open(name, flags, mode)
        if not opened:
            path.unlink()
        opened.append(descriptor)
        return descriptor

    monkeypatch.setattr("stack.locking.os.open", lose_the_first)

    with locked(path, seconds=5):
        assert path.exists()

    assert len(opened) == 2


def test_a_new_private_directory_is_open_to_nobody_else(tmp_path: Path) -> None:
    made = private_directory(tmp_path / "a" / "b")

    assert made.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    planted.chmod(0o777)

    with pytest.raises(NotOurs, match="planted"):
        private_directory(planted)


def test_a_link_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    with pytest.raises(NotOurs, match="link"):
        private_directory(tmp_path / "link")


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotOurs, match="file"):
        private_directory(tmp_path / "file")
