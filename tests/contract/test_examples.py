"""Every contract has an example that is read, and one with exactly one mistake that is refused for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

import contracts
from contracts.events import MODELS
from contracts.invoice import Invoice, read_invoice

DIRECTORY = Path(contracts.__file__).parent / "examples"
INVOICE = "invoice-1"
NAMES = [*MODELS, INVOICE]


def reader(name: str) -> Callable[[bytes], BaseModel | list[str]]:
    """Reads an example: the message, or its mistakes as ``path: what``."""
    return _invoice if name == INVOICE else lambda raw: _event(MODELS[name], raw)


def _invoice(raw: bytes) -> Invoice | list[str]:
    answer = read_invoice(raw)
    if isinstance(answer, Invoice):
        return answer
    return [f"{finding.field}: {finding.code}" for finding in answer]


def _event(model: type[BaseModel], raw: bytes) -> BaseModel | list[str]:
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        return [
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        ]


def test_every_contract_has_examples_and_nothing_else_has() -> None:
    assert {path.name for path in DIRECTORY.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_good_example_is_read(name: str) -> None:
    assert isinstance(reader(name)((DIRECTORY / name / "good.json").read_bytes()), BaseModel)


@pytest.mark.parametrize("name", MODELS)
def test_the_good_example_uses_every_field_that_the_message_has(name: str) -> None:
    """What no example shows, nobody sees change."""
    message = MODELS[name].model_validate_json((DIRECTORY / name / "good.json").read_bytes())

    assert set(MODELS[name].model_fields) - message.model_fields_set <= {"waits_for"}


@pytest.mark.parametrize("name", NAMES)
def test_the_bad_example_is_refused_for_its_one_mistake(name: str) -> None:
    mistake = (DIRECTORY / name / "bad.txt").read_text("utf-8").strip()

    assert reader(name)((DIRECTORY / name / "bad.json").read_bytes()) == [mistake]
