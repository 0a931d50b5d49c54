"""As whom PostgreSQL runs: it refuses root, so root lends it the account ``nobody``.

No user is created and nobody's permissions are loosened: what that account cannot reach is refused or copied.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from stack.errors import NotOurs


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int

    def may(self, path: Path, wanted: int) -> bool:
        """Whether the permission bits of ``path`` itself allow ``wanted`` (``os.R_OK | os.X_OK`` …)."""
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        return (stat.S_IMODE(found.st_mode) >> shift) & wanted == wanted

    def closed_parent(self, path: Path) -> Path | None:
        """The outermost parent of ``path`` that this account may not pass through, or None."""
        for parent in reversed(path.resolve().parents):
            if not self.may(parent, os.X_OK):
                return parent
        return None


def lent_account() -> Account | None:
    """The account for PostgreSQL when this process is root; None: it runs as the caller."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def admit(account: Account, directory: Path) -> None:
    """Let the account pass through root's ``directory`` (not list it), and only that account's group.

    Raises :class:`NotOurs` when a parent is closed to it: parents are somebody else's to open.
    """
    closed = account.closed_parent(directory)
    if closed is not None:
        raise NotOurs(
            f"{directory} cannot hold the data: PostgreSQL does not run as root, and the account 'nobody' may"
            f" not pass through {closed}; choose another directory (KSEF_STACK__DIRECTORY)"
        )
    os.chown(directory, os.geteuid(), account.gid)
    directory.chmod(0o710)
