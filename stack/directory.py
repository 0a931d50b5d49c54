"""The private directory of one stack: who may work in it, what it holds, how it goes away.

Only a directory that is empty or was made here is used, and only what was made here is removed. As root it is
open to the group of PostgreSQL's account for passing through, otherwise to its owner alone.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stack import state
from stack.account import admit, lent_account
from stack.errors import NotOurs
from stack.locking import locked
from stack.progress import Progress, silent
from stack.state import State
from stack.waiting import until

_LOCK_SECONDS = 300
_REMOVE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class StackDirectory:
    path: Path

    @property
    def kafka(self) -> Path:
        return self.path / "kafka"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def postgres_copy(self) -> Path:
        """PostgreSQL's programs, when its account cannot read them where they are installed."""
        return self.path / "postgres-install"

    @property
    def state(self) -> State:
        return state.load(self._state_file)

    def save(self, new: State) -> None:
        state.save(self._state_file, new)

    def exists(self) -> bool:
        """Whether there is anything here. Raises :class:`NotOurs` when it is somebody else's."""
        if not self.path.is_dir():
            return False
        self._refuse_foreign()
        return True

    @contextmanager
    def claimed(self, *, progress: Progress = silent) -> Iterator[None]:
        """Make the directory if need be and be alone in it until the block ends."""
        self._refuse_foreign()
        with locked(self._lock_file, seconds=_LOCK_SECONDS, progress=progress):
            # One that was there before may be open to others; as root PostgreSQL's group stays let in.
            kept = 0o710 if lent_account() else 0o700
            self.path.chmod(self.path.stat().st_mode & kept)
            yield

    def let_postgres_in(self) -> None:
        """Raises :class:`NotOurs` when a parent directory keeps PostgreSQL's account out."""
        if (account := lent_account()) is not None:
            admit(account, self.path)

    def remove(self) -> None:
        """Remove what was made here, then the directory if that was all. To be called while claimed."""
        for path in self._made_here:
            _remove(path)
        # The lock goes last: until then whoever waits for it finds an empty stack, never half of one.
        self._state_file.unlink(missing_ok=True)
        self._lock_file.unlink(missing_ok=True)
        with suppress(OSError):  # not empty: a file of the user's, or the next one is already bringing it up
            self.path.rmdir()

    @property
    def _lock_file(self) -> Path:
        return self.path / "lock"

    @property
    def _state_file(self) -> Path:
        return self.path / "state.json"

    @property
    def _made_here(self) -> list[Path]:
        names = ("kafka", "postgres", "postgres.log", "postgres.password", "postgres-install")
        return [self.path / name for name in (*names, "postgres-install.new", "state.json.new")]

    def _refuse_foreign(self) -> None:
        known = {path.name for path in (*self._made_here, self._lock_file, self._state_file)}
        foreign: set[str] = set()
        with suppress(FileNotFoundError):
            foreign = {path.name for path in self.path.iterdir()} - known
        if foreign and not self._state_file.exists():
            raise NotOurs(
                f"{self.path} holds {min(foreign)!r} and no local stack: name an empty or a new one"
            )


def _remove(path: Path) -> None:
    """Children of a killed PostgreSQL may still write for a moment, so a first failure is tried again."""
    last: list[OSError] = []

    def attempt() -> bool:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            last.append(error)
        return not path.exists()

    if not until(attempt, seconds=_REMOVE_SECONDS):
        raise NotOurs(f"{path} cannot be removed: {last[-1].strerror}") from last[-1]
