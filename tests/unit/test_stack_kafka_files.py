"""The configuration that a broker is started with."""

import base64
from pathlib import Path

from stack import kafka_files
from stack.kafka import new_cluster_id


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_the_broker_listens_on_this_machine_only(tmp_path: Path) -> None:
    written = kafka_files.write(tmp_path / "kafka", port=20001, controller_port=20002, properties={})

    assert "listeners=PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002" in lines_of(written.server)
    assert "advertised.listeners=PLAINTEXT://127.0.0.1:20001" in lines_of(written.server)


def test_topics_are_never_made_by_asking_for_them(tmp_path: Path) -> None:
    written = kafka_files.write(tmp_path / "kafka", port=20001, controller_port=20002, properties={})

    assert "auto.create.topics.enable=false" in lines_of(written.server)


def test_given_properties_win_over_the_servers_own(tmp_path: Path) -> None:
    given = {"num.partitions": "24", "authorizer.class.name": "x.Y"}

    written = kafka_files.write(tmp_path / "kafka", port=20001, controller_port=20002, properties=given)

    assert "num.partitions=24" in lines_of(written.server)
    assert "num.partitions=3" not in lines_of(written.server)
    assert "authorizer.class.name=x.Y" in lines_of(written.server)


def test_the_configuration_is_for_its_user_only(tmp_path: Path) -> None:
    written = kafka_files.write(tmp_path / "kafka", port=20001, controller_port=20002, properties={})

    assert written.server.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "kafka").stat().st_mode & 0o777 == 0o700


def test_data_and_temporary_files_stay_in_the_directory(tmp_path: Path) -> None:
    written = kafka_files.write(tmp_path / "kafka", port=20001, controller_port=20002, properties={})

    assert f"log.dirs={tmp_path}/kafka/data" in lines_of(written.server)
    assert written.temporary == tmp_path / "kafka" / "tmp"


def test_a_cluster_id_is_sixteen_bytes_and_never_reads_as_an_option() -> None:
    made = [new_cluster_id() for _ in range(200)]

    assert len(set(made)) == 200
    assert {len(base64.urlsafe_b64decode(f"{one}==")) for one in made} == {16}
    assert not any(one.startswith("-") for one in made)
