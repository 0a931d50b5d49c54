"""Where the local stack takes things from and puts them."""

import tempfile
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.settings import Settings


def test_a_user_keeps_servers_and_jars_below_home(tmp_path: Path) -> None:
    settings = Settings.from_environ({"HOME": str(tmp_path)}, uid=1000)

    assert settings.directory == tmp_path / ".local" / "state" / "ksef-courier-stack"
    assert settings.cache == tmp_path / ".cache" / "ksef-courier"


def test_the_xdg_variables_win_over_home(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_STATE_HOME": "/srv/state", "XDG_CACHE_HOME": "/srv/cache"}

    settings = Settings.from_environ(environ, uid=1000)

    assert settings.directory == Path("/srv/state/ksef-courier-stack")
    assert settings.cache == Path("/srv/cache/ksef-courier")


def test_without_a_usable_home_both_are_per_user_directories_among_the_temporary_files() -> None:
    settings = Settings.from_environ({"HOME": "/nonexistent"}, uid=1000)

    assert settings.directory == Path(tempfile.gettempdir()) / "ksef-courier-1000-stack"
    assert settings.cache == Path(tempfile.gettempdir()) / "ksef-courier-1000-cache"


def test_root_keeps_the_servers_where_their_own_account_can_reach_them() -> None:
    settings = Settings.from_environ({"HOME": "/root"}, uid=0)

    assert settings.directory == Path("/var/lib/ksef-courier-stack")


def test_own_options_win_and_a_relative_path_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"HOME": "/root", "KSEF_STACK__DIRECTORY": "servers", "KSEF_STACK__CACHE": "/srv/jars"}

    settings = Settings.from_environ(environ, uid=0)

    assert settings.directory == tmp_path / "servers"
    assert settings.cache == Path("/srv/jars")


def test_an_empty_variable_counts_as_unset() -> None:
    settings = Settings.from_environ({"KSEF_KAFKA__BOOTSTRAP_SERVERS": "", "KSEF_POSTGRES__DSN": ""}, uid=0)

    assert settings.kafka_bootstrap is None
    assert settings.postgres_dsn is None


def test_the_dsn_may_come_from_a_file_like_every_secret(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("postgresql://u:p@db/x\n")

    settings = Settings.from_environ({"KSEF_POSTGRES__DSN_FILE": str(tmp_path / "dsn")}, uid=0)

    assert settings.postgres_dsn == "postgresql://u:p@db/x"


def test_a_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"KSEF_POSTGRES__DSN_FILE: cannot read .*/nowhere"):
        Settings.from_environ({"KSEF_POSTGRES__DSN_FILE": str(tmp_path / "nowhere")}, uid=0)


def test_secrets_do_not_show_in_repr() -> None:
    environ = {
        "KSEF_POSTGRES__DSN": "postgresql://u:hunter2@db/x",
        "KSEF_STACK__MAVEN_MIRROR": "https://u:hunter2@mirror.example",
    }

    assert "hunter2" not in repr(Settings.from_environ(environ, uid=0))
