"""Tolerant readers: tomorrow's publisher must not stop today's reader, at any depth."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import contracts
from contracts.content import InlineContent, StoredContent, inline
from contracts.events import MODELS
from contracts.sales import DocumentStatus, State

EXAMPLES = Path(contracts.__file__).parent / "examples"


def example(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((EXAMPLES / name / "good.json").read_text("utf-8"))
    return content


def with_more(value: Any) -> Any:
    """The same, with a field of tomorrow in every object."""
    if isinstance(value, dict):
        return {name: with_more(item) for name, item in value.items()} | {"tomorrow": {"field": 1}}
    return [with_more(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", MODELS)
def test_fields_of_tomorrow_are_ignored_at_every_depth(name: str) -> None:
    model: type[BaseModel] = MODELS[name]

    assert model.model_validate(with_more(example(name))) == model.model_validate(example(name))


def test_a_state_of_tomorrow_is_kept_as_its_text_and_passed_on() -> None:
    status = DocumentStatus.model_validate(example("sales.document.status.v1") | {"state": "archived"})

    assert status.state == "archived"
    assert not isinstance(status.state, State)
    assert json.loads(status.model_dump_json())["state"] == "archived"


def test_a_known_state_is_its_member() -> None:
    status = DocumentStatus.model_validate(example("sales.document.status.v1"))

    assert status.state is State.ISSUED


@pytest.mark.parametrize("state", [None, 7, {}, ["issued"]])
def test_a_state_that_is_no_text_is_refused(state: object) -> None:
    with pytest.raises(ValidationError):
        DocumentStatus.model_validate(example("sales.document.status.v1") | {"state": state})


@pytest.mark.parametrize("name", MODELS)
def test_messages_cannot_be_changed(name: str) -> None:
    message = MODELS[name].model_validate(example(name))

    with pytest.raises(ValidationError, match="frozen"):
        setattr(message, next(iter(MODELS[name].model_fields)), None)


def test_text_travels_as_text_and_other_bytes_as_base64() -> None:
    assert inline("zażółć".encode()) == InlineContent(
        sha256="7eefe5e3046c86cec19ce1215e0a04724124d948468005a1ebc4adf2643bea13",
        size_bytes=10,
        encoding="utf-8",
        data="zażółć",
    )
    assert (inline(b"\xff").encoding, inline(b"\xff").data) == ("base64", "/w==")
    assert inline(b"\xff\x00").to_bytes() == b"\xff\x00"


@pytest.mark.parametrize("size", [-1, "many"])
def test_a_claim_check_needs_a_size(size: object) -> None:
    with pytest.raises(ValidationError):
        StoredContent.model_validate({"sha256": "0" * 64, "size_bytes": size, "stored_on": "2026-11-01"})
