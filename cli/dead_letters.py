"""``ksef-courier dead-letters``: what no worker could process, and the way back into the flow.

A letter's body is a document and so confidential: it is written to a file when asked for, never printed.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from uuid import uuid4

import typer

from cli import dead_letter_view as view
from cli.dead_letter_search import SERVICES, Found, LetterId, Wanted, search
from cli.moments import moment
from cli.output import err, fail, out
from cli.redrive import Pace, Planned, Ready, Redrive, Skipped, acts_about, carry_out, history_of, plan
from cli.who import As, who
from runtime.acts import Act
from runtime.db import Database, open_database
from runtime.dead_letter_topics import DeadLetterTopics, Stranger, open_dead_letter_topics
from runtime.producer import open_producer
from runtime.settings import Settings

app = typer.Typer(
    help="Records that no worker could process: see them, send them into the flow again.",
    no_args_is_help=True,
)


def _letter_id(text: str) -> LetterId:
    try:
        return LetterId.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _service(text: str) -> str:
    if text not in SERVICES:
        raise typer.BadParameter(f"no service is called {text!r}: there are {', '.join(SERVICES)}")
    return text


Ids: TypeAlias = Annotated[
    list[LetterId] | None,
    typer.Option("--id", parser=_letter_id, metavar="ID", help="This letter, e.g. mapper:17. Repeatable."),
]
Service: TypeAlias = Annotated[
    str | None, typer.Option("--service", parser=_service, metavar="NAME", help="Letters of this worker.")
]
LetterReason: TypeAlias = Annotated[
    str | None, typer.Option("--letter-reason", help="Letters with this reason, e.g. undecodable.")
]
Since: TypeAlias = Annotated[
    datetime | None,
    typer.Option("--since", parser=moment, metavar="TIME", help="Given up then or later (RFC 3339)."),
]
Until: TypeAlias = Annotated[
    datetime | None,
    typer.Option("--until", parser=moment, metavar="TIME", help="Given up before then."),
]
Company: TypeAlias = Annotated[
    str | None, typer.Option("--company", help="About a document of this NIP, as far as it can be read.")
]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What all commands read from."""

    settings: Settings
    topics: DeadLetterTopics
    database: Database

    async def find(self, wanted: Wanted) -> AsyncIterator[Sequence[Found]]:
        """The wanted letters, a fetch at a time; complains of records that are no letters."""
        async for items in search(self.topics, wanted, topic_prefix=self.settings.kafka.topic_prefix):
            for item in items:
                if isinstance(item, Stranger):
                    complaint = f"{item.service}:{item.offset} is no letter of ours: {item.lacks}"
                    err.print(view.printable(complaint), markup=False)
            yield [item for item in items if isinstance(item, Found)]

    async def plan(self, wanted: Wanted, *, again: bool) -> AsyncIterator[Sequence[Planned]]:
        """What a redrive does with each of the wanted letters."""
        prefix = self.settings.kafka.topic_prefix
        async for found in self.find(wanted):
            yield await plan(self.database, found, topic_prefix=prefix, again=again)


@asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator[_Reading]:
    async with (
        open_database(settings.postgres, application_name="ksef-courier dead-letters") as database,
        open_dead_letter_topics(settings.kafka) as topics,
    ):
        yield _Reading(settings, topics, database)


@app.command("list")
def list_letters(
    *,
    ids: Ids = None,
    service: Service = None,
    letter_reason: LetterReason = None,
    since: Since = None,
    until: Until = None,
    company: Company = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """The letters there are, oldest first within each worker. They are kept for 90 days."""
    wanted = Wanted(tuple(ids or ()), service, letter_reason, since, until, company)
    rows = asyncio.run(_rows(Settings.load(), wanted))
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        view.print_table(rows)


async def _rows(settings: Settings, wanted: Wanted) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    async with _reading(settings) as reading:
        async for found in reading.find(wanted):
            redriven = await acts_about(reading.database, [item.letter for item in found])
            rows += [view.as_json(item, redriven.get(item.letter.id)) for item in found]
    return rows


@app.command()
def show(
    letter: Annotated[LetterId, typer.Argument(parser=_letter_id, metavar="ID", help="E.g. mapper:17.")],
    raw: Annotated[
        Path | None, typer.Option("--raw", help="Write the body, which is confidential, to this new file.")
    ] = None,
) -> None:
    """All that is known of a letter; of its body size and hash only."""
    looked_up = asyncio.run(_look_up(Settings.load(), letter))
    if looked_up is None:
        fail(f"there is no dead letter {letter}: `ksef-courier dead-letters list` shows those there are")
    found, history = looked_up
    view.print_letter(found, history)
    if raw is not None:
        _write(raw, found)


async def _look_up(settings: Settings, wanted: LetterId) -> tuple[Found, Sequence[Act]] | None:
    async with _reading(settings) as reading:
        found = [item async for items in reading.find(Wanted(ids=(wanted,))) for item in items]
        if not found:
            return None
        return found[0], await history_of(reading.database, found[0].letter)


def _write(path: Path, found: Found) -> None:
    """The body, readable by its owner only. Refuses a file that exists."""
    letter = found.letter
    if letter.left_at_origin:
        fail(f"{letter.id} was too large to be copied: read it from its origin")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fail(f"{path} exists: name a new file")
    with open(descriptor, "wb") as file:
        file.write(letter.value or b"")
    out.print(f"wrote {letter.body.size_bytes} bytes to {path}", markup=False)


@app.command()
def redrive(
    *,
    ids: Ids = None,
    service: Service = None,
    letter_reason: LetterReason = None,
    since: Since = None,
    until: Until = None,
    company: Company = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without it nothing is published.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; kept with the act.")] = None,
    as_: As = None,
    again: Annotated[bool, typer.Option("--again", help="Also letters that were redriven before.")] = False,
    rate: Annotated[int, typer.Option("--rate", min=1, help="Records a second, at most.")] = 50,
) -> None:
    """Publish letters again as they were, to the topic they came from. Without --yes it only says which.

    A letter that was redriven is left out, and so is one whose document the sender has begun to send. A
    redrive may be interrupted and repeated: what is published twice is dropped by its ids.
    """
    wanted = Wanted(tuple(ids or ()), service, letter_reason, since, until, company)
    if not yes:
        asyncio.run(_rehearse(Settings.load(), wanted, again=again))
    elif not reason:
        fail("say why with --reason: it is kept with the act", code=2)
    else:
        order = Redrive(uuid4(), who=who(as_), reason=reason, per_second=rate)
        asyncio.run(_redrive(Settings.load(), wanted, order, again=again))


async def _rehearse(settings: Settings, wanted: Wanted, *, again: bool) -> None:
    ready = skipped = 0
    async with _reading(settings) as reading:
        async for planned in reading.plan(wanted, again=again):
            skipped += _print_skipped(planned)
            for item in planned:
                if isinstance(item, Ready):
                    ready += 1
                    _print_done("would redrive", item.found)
    out.print(f"{ready} would be redriven, {skipped} skipped: --yes with --reason does it")


async def _redrive(settings: Settings, wanted: Wanted, order: Redrive, *, again: bool) -> None:
    redriven = skipped = 0
    pace = Pace(order.per_second)
    async with (
        _reading(settings) as reading,
        open_producer(settings.kafka, client_id="ksef-courier-redrive") as producer,
    ):
        async for planned in reading.plan(wanted, again=again):
            skipped += _print_skipped(planned)
            ready = [item.found for item in planned if isinstance(item, Ready)]
            async for step in carry_out(
                order, ready, database=reading.database, producer=producer, pace=pace
            ):
                redriven += len(step)
                for found in step:
                    _print_done("redriven", found)
    out.print(f"{redriven} redriven, {skipped} skipped")


def _print_skipped(planned: Sequence[Planned]) -> int:
    """How many there are."""
    skipped = [item for item in planned if isinstance(item, Skipped)]
    for item in skipped:
        out.print(f"skipped {item.found.letter.id}: {view.printable(item.why)}", markup=False)
    return len(skipped)


def _print_done(what: str, found: Found) -> None:
    about = view.documents(found.documents)
    line = f"{what} {found.letter.id} → {found.topic}, document {about}"
    out.print(view.printable(line), markup=False)
