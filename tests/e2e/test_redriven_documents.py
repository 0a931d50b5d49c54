"""A document that becomes a dead letter on its way, and comes back into the flow. One running system."""

import json
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.sales import Outcome
from runtime.db import connect
from tests.support.commands import run
from tests.support.system import System, document_id, invoice
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("dead-letters")

HOW_TO = Path(__file__).parents[2] / "docs" / "operations" / "dead-letters.md"
_BREAK = """
    create function sender.fail() returns trigger language plpgsql as
        $$ begin raise exception 'the column is too narrow'; end $$;
    create trigger fail before insert on sender.submission
        for each row when (new.facts ->> 'number' = '{number}') execute function sender.fail();
"""
_MEND = "drop trigger fail on sender.submission; drop function sender.fail()"


@asynccontextmanager
async def failing_at(system: System, number: str) -> AsyncIterator[None]:
    """A sender that fails whenever it takes over this invoice, until it is mended."""
    connection = await connect(system.settings.postgres)
    try:
        await connection.execute(_BREAK.format(number=number))
        yield
        await connection.execute(_MEND)
    finally:
        await connection.close()


async def command(system: System, *arguments: str) -> str:
    """What ``ksef-courier`` prints; it must succeed."""
    ended = await run(system.environ, *arguments)
    assert ended.code == 0, ended.err
    return ended.out


async def letters_about(system: System, number: str) -> list[dict[str, Any]]:
    listed = json.loads(await command(system, "dead-letters", "list", "--service", "sender", "--json"))
    return [row for row in listed if row["documents"] == [str(document_id(number))]]


async def given_up(system: System, number: str) -> dict[str, Any]:
    """The letter of an invoice that the sender could not take over, for a reason that is mended by now."""
    async with failing_at(system, number):
        await system.publish("sap-north", [invoice(number)])
        await until(lambda: is_given_up(system, number), seconds=60)
    (row,) = await letters_about(system, number)
    return row


async def is_given_up(system: System, number: str) -> bool:
    return await letters_about(system, number) != []


def commands_of_the_how_to() -> list[str]:
    lines = HOW_TO.read_text("utf-8").splitlines()
    return [line.removeprefix("    ksef-courier ") for line in lines if line.startswith("    ksef-courier ")]


async def test_a_letter_whose_cause_is_mended_is_redriven_as_the_how_to_says_and_issued_once(
    system: System, tmp_path: Path
) -> None:
    letter = await given_up(system, "FV/D1")
    assert (letter["reason"], letter["detail"]) == ("handler-error", "RaiseError")
    assert system.accepted("FV/D1") == []

    body = tmp_path / "letter.body"
    commands = commands_of_the_how_to()
    assert len(commands) > 5
    for line in commands:
        await command(
            system, *shlex.split(line.replace("sender:0", letter["id"]).replace("letter.body", str(body)))
        )

    results = await system.until_ended([document_id("FV/D1")])
    assert results[document_id("FV/D1")][-1].outcome is Outcome.ISSUED
    assert len(system.received("FV/D1")) == 1
    assert json.loads(body.read_bytes())["document"]["document_id"] == str(document_id("FV/D1"))
    (row,) = await letters_about(system, "FV/D1")
    assert row["redriven_at"] is not None


async def test_a_letter_that_is_redriven_twice_is_issued_once_and_then_refused(system: System) -> None:
    letter = await given_up(system, "FV/D2")
    again = ("dead-letters", "redrive", "--id", letter["id"], "--yes", "--again", "--reason", "mended")
    system.stop("sender")
    shown = [await command(system, *again) for _ in range(2)]
    system.start("sender")

    await system.until_ended([document_id("FV/D2")])

    assert [text.splitlines()[-1] for text in shown] == ["1 redriven, 0 skipped"] * 2
    assert len(system.received("FV/D2")) == 1
    assert f"the sender has document {document_id('FV/D2')} as" in await command(system, *again)
    assert len(system.received("FV/D2")) == 1
