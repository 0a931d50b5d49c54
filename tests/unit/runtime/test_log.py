"""Log lines: JSON with the event and its fields, and never a text that quotes a document."""

import json
import subprocess
import sys
from typing import Any

import asyncpg
import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from runtime.errors import OperatorNeeded
from runtime.log import describe

PROGRAM = """
import asyncio, gc, logging
from runtime import log

log.configure(service="intake", level="{level}")
logger = log.get("test")
{body}
"""


def lines_of(body: str, *, level: str = "info") -> list[dict[str, Any]]:
    """What a process of its own logs: the configuration is the process's."""
    program = PROGRAM.format(level=level, body=body)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_line_is_json_with_event_fields_level_service_and_time() -> None:
    (line,) = lines_of('logger.info("document_accepted", document_id="d1", amount=3)')

    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "document_accepted",
        "level": "info",
        "service": "intake",
        "document_id": "d1",
        "amount": 3,
    }


def test_lines_below_the_level_are_not_written() -> None:
    assert [line["event"] for line in lines_of('logger.info("a"); logger.warning("b")', level="warning")] == [
        "b"
    ]


def test_libraries_lines_are_json_too_and_the_noisy_ones_are_quiet() -> None:
    lines = lines_of('logging.getLogger("lib").info("one %s", 1); logging.getLogger("httpx").info("GET")')

    assert [line["event"] for line in lines] == ["one 1"]


QUOTING = """
try:
    raise ValueError("hunter2")
except ValueError as error:
    {call}
"""


@pytest.mark.parametrize(
    "call",
    [
        'logger.exception("failed")',
        'logger.error("failed", exc_info=error)',
        'logging.getLogger("lib").exception("failed")',
        'logging.getLogger("lib").error("failed", exc_info=True)',
    ],
)
def test_an_exception_is_logged_as_type_and_frames_without_its_text(call: str) -> None:
    (line,) = lines_of(QUOTING.format(call=call))

    assert (line["event"], line["exception"]) == ("failed", "ValueError")
    assert line["frames"] == ["<string>:9 <module>"]
    assert "hunter2" not in json.dumps(line)


def test_an_exception_in_a_librarys_message_is_shown_by_its_type() -> None:
    (line,) = lines_of(
        'logging.getLogger("lib").error("got %s from %r", ValueError("hunter2"), KeyError("hunter3"))'
    )

    assert line["event"] == "got ValueError from 'KeyError'"


def test_a_task_whose_exception_nobody_took_is_told_without_its_text() -> None:
    body = """
async def fails():
    raise ValueError("hunter2")

async def main():
    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    del task
    gc.collect()

asyncio.run(main())
"""
    (line,) = lines_of(body)

    assert (line["event"], line["exception"]) == ("Task exception was never retrieved", "ValueError")
    assert "hunter2" not in json.dumps(line)


# describe


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    amount: int


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")
    lines: list[Part]
    notes: dict[str, int] = {}


def refused(content: Any) -> ValidationError:
    with pytest.raises(ValidationError) as error:
        Document.model_validate(content)
    return error.value


def test_a_validation_error_is_described_by_its_places() -> None:
    text = describe(refused({"lines": [{"amount": "hunter2"}, {}]}))

    assert text == "ValidationError: 2 problems at lines.0.amount, lines.1.amount"


@pytest.mark.parametrize(
    "content",
    [
        {"lines": [], "hunter2": 1},
        {"lines": [], "notes": {"hunter2 Nowak": "x"}},
        {"lines": [{"hunter2": 1, "amount": 1}]},
    ],
)
def test_a_place_that_the_document_named_is_not_shown(content: Any) -> None:
    assert "hunter2" not in describe(refused(content))


def postgres_error(kind: type[asyncpg.PostgresError], message: str, detail: str) -> asyncpg.PostgresError:
    error: asyncpg.PostgresError = kind(message)
    error.detail = detail
    return error


def test_a_databases_refusal_is_described_without_its_detail() -> None:
    error = postgres_error(
        asyncpg.UniqueViolationError,
        'duplicate key value violates unique constraint "identity_pkey"',
        "Key (number)=(hunter2) already exists.",
    )

    assert describe(error) == (
        'UniqueViolationError: duplicate key value violates unique constraint "identity_pkey" (23505)'
    )


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidTextRepresentationError('invalid input syntax for type uuid: "hunter2"'),
        asyncpg.exceptions._base.DataError("invalid input for query argument $1: 'hunter2'"),
        ValueError("hunter2"),
        UnicodeDecodeError("utf-8", b"hunter2", 0, 1, "hunter2"),
        json.JSONDecodeError("hunter2", "hunter2", 0),
        ExceptionGroup("hunter2", [ValueError("hunter2")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_quote_its_input_is_described_by_its_type(error: Exception) -> None:
    assert describe(error).startswith(type(error).__name__)
    assert "hunter2" not in describe(error)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            OperatorNeeded("the token of 7010000117 is revoked"),
            "OperatorNeeded: the token of 7010000117 is revoked",
        ),
        (
            ConnectionRefusedError(111, "Connection refused"),
            "ConnectionRefusedError: [Errno 111] Connection refused",
        ),
        (asyncpg.InterfaceError("connection is closed"), "InterfaceError: connection is closed"),
        (TimeoutError(), "TimeoutError: "),
        (
            ExceptionGroup("g", [OperatorNeeded("a"), KeyError("b")]),
            "ExceptionGroup: OperatorNeeded: a; KeyError",
        ),
    ],
)
def test_errors_that_name_things_are_described_in_their_own_words(error: Exception, text: str) -> None:
    assert describe(error) == text


def test_the_driver_refuses_an_argument_with_an_error_that_is_also_a_value_error() -> None:
    assert issubclass(asyncpg.exceptions._base.DataError, asyncpg.InterfaceError)
    assert issubclass(asyncpg.exceptions._base.DataError, ValueError)
