"""The files that follow from the contracts: up to date in this tree, and every kind of drift is found."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import contract_files
from cli.contract_files import ROOT, asyncapi, generated, problems, undeclared
from contracts.base import Message
from contracts.events import MAPPED, MODELS, STATUS

STATUS_FILE = Path("schemas") / f"{STATUS}.json"


@pytest.fixture(scope="module")
def files() -> dict[Path, str]:
    return generated()


@pytest.fixture
def tree(tmp_path: Path, files: dict[Path, str]) -> Path:
    """A directory in which everything is as it should be."""
    for path, text in files.items():
        for folder in {path.parent.name, "released"} if path.suffix == ".json" else {""}:
            target = tmp_path / (folder if folder != ROOT.name else "") / path.name
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, "utf-8")
    return tmp_path


def edited(files: dict[Path, str], change: Callable[[dict[str, Any]], None]) -> dict[Path, str]:
    """As if the model of the status had been changed."""
    schema = json.loads(files[ROOT / STATUS_FILE])
    change(schema)
    return files | {ROOT / STATUS_FILE: json.dumps(schema)}


def test_this_trees_files_are_what_the_models_say_and_break_nothing_released() -> None:
    assert problems() == []


def test_a_directory_with_everything_in_place_has_no_problem(tree: Path, files: dict[Path, str]) -> None:
    assert problems(tree, files=files) == []


def test_a_model_that_changed_without_generating_is_found(tree: Path, files: dict[Path, str]) -> None:
    now = edited(files, lambda schema: schema["properties"].update(note={"type": "string"}))

    assert problems(tree, files=now) == [
        f"contracts/schemas/{STATUS}.json is not what the models say: run `make generate`"
    ]


def test_a_missing_file_is_found(tree: Path, files: dict[Path, str]) -> None:
    (tree / "asyncapi.yaml").unlink()

    assert problems(tree, files=files) == [
        "contracts/asyncapi.yaml is not what the models say: run `make generate`"
    ]


def test_a_schema_of_no_message_is_found(tree: Path, files: dict[Path, str]) -> None:
    (tree / "schemas" / "sales.document.lost.v1.json").write_text("{}")

    assert problems(tree, files=files) == [
        "contracts/schemas/sales.document.lost.v1.json belongs to no message (any more)"
    ]


def test_a_released_message_that_is_gone_is_found(tree: Path, files: dict[Path, str]) -> None:
    (tree / "released" / "sales.document.lost.v1.json").write_text("{}")

    assert problems(tree, files=files) == [
        "contracts/released/sales.document.lost.v1.json belongs to no message (any more)"
    ]


def test_a_message_whose_released_form_was_removed_is_found(tree: Path, files: dict[Path, str]) -> None:
    (tree / "released" / f"{STATUS}.json").unlink()

    assert problems(tree, files=files) == [
        f"contracts/released/{STATUS}.json is missing: run `make generate`"
    ]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda schema: schema["properties"].pop("stage"), "$.stage: was removed"),
        (lambda schema: schema["required"].append("attempt"), "$.attempt: is required now"),
        (
            lambda schema: schema["properties"]["stage"].update(type="integer"),
            "$.stage: type was 'string', is 'integer'",
        ),
    ],
    ids=["removed", "required", "retyped"],
)
def test_a_break_of_the_released_form_is_found(
    tree: Path, files: dict[Path, str], change: Callable[[dict[str, Any]], None], found: str
) -> None:
    assert f"{STATUS} breaks its released form: {found}" in problems(tree, files=edited(files, change))


def test_an_event_on_no_declared_topic_is_found() -> None:
    assert undeclared({**MODELS, "sales.document.lost.v1": Message}) == [
        "sales.document.lost.v1 is on no topic of contracts/topics"
    ]


def test_a_topic_with_a_message_that_nobody_defines_is_found() -> None:
    fewer = {type_: model for type_, model in MODELS.items() if type_ != MAPPED}

    assert undeclared(fewer) == [f"a topic carries {MAPPED}, which no model defines"]


def test_generating_writes_everything_and_a_released_form_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[Path, str]
) -> None:
    moved = {tmp_path / path.relative_to(ROOT): text for path, text in files.items()}
    monkeypatch.setattr(contract_files, "ROOT", tmp_path)
    monkeypatch.setattr(contract_files, "generated", lambda: moved)
    assert contract_files.main([]) == 0
    released = tmp_path / "released" / f"{STATUS}.json"
    released.write_text("as it was released")

    assert contract_files.main([]) == 0

    assert released.read_text() == "as it was released"
    assert json.loads((tmp_path / STATUS_FILE).read_text())["$id"] == f"{STATUS}.json"


@pytest.mark.parametrize("arguments", [["--chekc"], ["--check", "now"]])
def test_an_unknown_argument_writes_nothing_and_fails(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert contract_files.main(arguments) == 2
    assert "--check" in capsys.readouterr().err


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for item in value.values() for found in references(item)]
    return [found for item in value for found in references(item)] if isinstance(value, list) else []


def test_every_reference_of_the_asyncapi_document_leads_somewhere(files: dict[Path, str]) -> None:
    document = asyncapi()

    for reference in references(document):
        if reference.startswith("#/"):
            target: Any = document
            for part in reference.removeprefix("#/").split("/"):
                target = target[part]
        else:
            assert ROOT / reference in files


def test_the_asyncapi_document_names_every_topic_with_its_writers_and_readers() -> None:
    document = asyncapi()

    assert document["channels"]["sales.document.status.v1"]["address"] == "sales.document.status.v1"
    assert document["channels"]["erp.source.sales.v1"]["address"] == "erp.{source}.sales.v1"
    assert {name for name in document["operations"] if name.endswith("sales.document.status.v1")} == {
        "intake-send-sales.document.status.v1",
        "mapper-send-sales.document.status.v1",
        "validator-send-sales.document.status.v1",
        "sender-send-sales.document.status.v1",
        "tracker-receive-sales.document.status.v1",
        "validator-receive-sales.document.status.v1",
    }
