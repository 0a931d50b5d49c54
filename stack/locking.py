"""One process at a time: an advisory lock on a file, released by the kernel when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stack.errors import Busy
from stack.progress import Progress, Step, silent
from stack.settings import private_directory
from stack.waiting import until


@contextmanager
def locked(path: Path, *, seconds: float, progress: Progress = silent) -> Iterator[None]:
    """Hold the lock on ``path``; its directory is made, private to this user, if it is missing.

    The holder may remove the file and its directory: whoever waited then makes and locks new ones. Raises
    :class:`Busy` when the lock is not had in ``seconds``, :class:`NotOurs` for somebody else's directory.
    """
    descriptor = _try_lock(path)
    if descriptor is None:
        progress(Step(f"waiting for another process that holds {path}"))
        descriptor = _wait_for(path, seconds=seconds)
    try:
        yield
    finally:
        os.close(descriptor)


def _wait_for(path: Path, *, seconds: float) -> int:
    held: list[int] = []

    def attempt() -> bool:
        descriptor = _try_lock(path)
        if descriptor is not None:
            held.append(descriptor)
        return bool(held)

    if not until(attempt, seconds=seconds):
        raise Busy(f"another process has held {path} for {seconds:.0f} s: see which one (lsof), or try later")
    return held[0]


def _try_lock(path: Path) -> int | None:
    try:
        private_directory(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:  # the last holder removed the directory just now
        return None
    locks = False
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locks = _is_file_at(path, descriptor)
    if locks:
        return descriptor
    os.close(descriptor)
    return None


def _is_file_at(path: Path, descriptor: int) -> bool:
    """A lock on a file that was removed meanwhile keeps nobody out."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False
