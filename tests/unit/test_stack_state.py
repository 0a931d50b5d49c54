"""The state file: private, replaced as a whole, refused when it is not ours; and the directory it is in."""

import json
from pathlib import Path

import pytest

from stack import local, state
from stack.directory import StackDirectory
from stack.errors import NotOurs
from stack.local import Addresses
from stack.processes import Process
from stack.settings import Settings
from stack.state import KafkaState, PostgresState, State

STATE = State(
    kafka=KafkaState(port=20001, controller_port=20002, process=Process(pid=7, started="boot 99")),
    postgres=PostgresState(port=20003, password="hunter2", durable=True),
)


def settings_for(
    directory: Path, *, kafka_bootstrap: str | None = None, postgres_dsn: str | None = None
) -> Settings:
    return Settings(
        directory=directory, cache=directory, kafka_bootstrap=kafka_bootstrap, postgres_dsn=postgres_dsn
    )


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    state.save(tmp_path / "state.json", STATE)

    assert state.load(tmp_path / "state.json") == STATE


def test_no_file_is_the_empty_state(tmp_path: Path) -> None:
    assert state.load(tmp_path / "state.json") == State(kafka=None, postgres=None)


def test_the_file_is_for_its_user_only(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    state.save(path, STATE)
    path.chmod(0o644)

    state.save(path, STATE)

    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": 2, "kafka": null, "postgres": null}',
        '{"version": 1, "kafka": {"port": 1}}',
    ],
)
def test_a_file_of_another_make_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)

    with pytest.raises(NotOurs, match=r"state\.json was not written by this version"):
        state.load(tmp_path / "state.json")


def test_the_password_does_not_show_in_repr() -> None:
    assert "hunter2" not in repr(STATE)
    assert "hunter2" not in repr(Addresses(kafka_bootstrap="k:1", postgres_dsn="postgresql://u:hunter2@h/d"))


def test_a_directory_with_other_things_in_it_is_neither_used_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    with pytest.raises(NotOurs, match=r"holds 'thesis\.txt'"):
        local.up(tmp_path, durable=True, settings=settings_for(tmp_path))
    with pytest.raises(NotOurs, match=r"holds 'thesis\.txt'"):
        local.down(tmp_path, settings=settings_for(tmp_path))

    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_removing_takes_what_was_made_here_and_leaves_the_rest(tmp_path: Path) -> None:
    home = StackDirectory(tmp_path)
    home.save(STATE)
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    (tmp_path / "postgres.log").touch()
    (tmp_path / "notes.txt").touch()

    home.remove()

    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


def test_down_on_nothing_does_nothing(tmp_path: Path) -> None:
    local.down(tmp_path / "nowhere", settings=settings_for(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_given_addresses_are_used_and_nothing_is_started(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    given = settings_for(
        directory, kafka_bootstrap="k1:9092,k2:9092", postgres_dsn="postgresql://u:p@db:5432/x"
    )

    addresses = local.up(directory, durable=True, settings=given)

    assert addresses.kafka_bootstrap == "k1:9092,k2:9092"
    assert addresses.postgres_dsn == "postgresql://u:p@db:5432/x"
    assert not directory.exists()


def test_the_status_of_given_parts_shows_no_password(tmp_path: Path) -> None:
    given = settings_for(tmp_path, kafka_bootstrap="k1:9092", postgres_dsn="postgresql://u:hunter2@db:5432/x")

    status = local.status(tmp_path, settings=given)

    assert status.kafka == local.PartStatus(condition="given", address="k1:9092")
    assert status.postgres == local.PartStatus(condition="given", address="db:5432")


def test_recorded_parts_whose_processes_are_gone_are_stopped(tmp_path: Path) -> None:
    state.save(tmp_path / "state.json", STATE)

    status = local.status(tmp_path, settings=settings_for(tmp_path))

    assert status.kafka.condition == "stopped"
    assert status.postgres.condition == "stopped"
    assert status.postgres.log == tmp_path / "postgres.log"


def test_the_file_names_its_version(tmp_path: Path) -> None:
    state.save(tmp_path / "state.json", State())

    assert json.loads((tmp_path / "state.json").read_text()) == {
        "version": 1,
        "kafka": None,
        "postgres": None,
    }
