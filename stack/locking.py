"""One process at a time: an advisory lock on a file in a private directory; it ends with its holder."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stack.errors import Busy, NotOurs
from stack.progress import Progress, Step, silent
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


def private_directory(path: Path) -> Path:
    """Make ``path`` (and its parents) unless it exists; refuse one that others could have planted.

    Raises :class:`NotOurs` for a link, a file, or a directory that another user owns or may write to.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o002:
        raise NotOurs(
            f"{path} is not a directory that only this user may write to: remove it, or choose another one"
            " with KSEF_STACK__DIRECTORY or KSEF_STACK__CACHE"
        )
    return path


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
