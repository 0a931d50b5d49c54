"""``ksef-courier results``: what the ERP was told, for one that lost what it had read."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

import typer

from cli.moments import moment
from cli.output import fail, out
from cli.redrive import STEPS_PER_SECOND, Pace
from cli.who import As, who
from contracts import events
from runtime import acts
from runtime.db import Database, open_database
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from runtime.settings import Settings
from services.tracker.again import Told, Wanted, told_again
from services.tracker.results import STAGE

REPLAYED = "results-replayed"

app = typer.Typer(help="What the ERPs are told about their documents.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Replay:
    """One act of a person over many results."""

    replay_id: UUID
    who: str
    reason: str
    per_second: int


@app.command()
def replay(
    *,
    source: Annotated[
        str, typer.Option("--source", help="The source whose results: erp.<source>.results.v1")
    ],
    since: Annotated[
        datetime,
        typer.Option("--since", parser=moment, metavar="TIME", help="Told then or later (RFC 3339)."),
    ],
    until: Annotated[
        datetime | None, typer.Option("--until", parser=moment, metavar="TIME", help="Told before then.")
    ] = None,
    document: Annotated[
        str | None,
        typer.Option("--document", help="Document id, the ERP's id, invoice number or KSeF number."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without it nothing is published.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; kept with the act.")] = None,
    as_: As = None,
    rate: Annotated[int, typer.Option("--rate", min=1, help="Results a second, at most.")] = 200,
) -> None:
    """Publish results again exactly as they were. Without --yes it only says which.

    They have the ids, sequence numbers and content of the first time, so a reader that has seen one drops it.
    The tracker publishes them. A replay may be interrupted and repeated.
    """
    wanted = Wanted(source, since, until, document)
    if not yes:
        asyncio.run(_rehearse(Settings.load(), wanted))
    elif not reason:
        fail("say why with --reason: it is kept with the act", code=2)
    else:
        order = Replay(uuid4(), who=who(as_), reason=reason, per_second=rate)
        asyncio.run(_replay(Settings.load(), wanted, order))


async def _rehearse(settings: Settings, wanted: Wanted) -> None:
    results = documents = 0
    async with _telling(settings, wanted) as (_, pages):
        async for page in pages:
            for told in page:
                _print_told("would publish again", told)
                results += len(told.results)
                documents += 1
    out.print(f"{results} results of {documents} documents: --yes with --reason does it")


async def _replay(settings: Settings, wanted: Wanted, order: Replay) -> None:
    results = documents = 0
    pace = Pace(order.per_second)
    async with _telling(settings, wanted) as (database, pages):
        async for page in pages:
            for step in _steps(page, at_least=max(1, order.per_second // STEPS_PER_SECOND)):
                count = sum(len(told.results) for told in step)
                await pace.turn(count)
                await _publish(database, step, wanted, order)
                for told in step:
                    _print_told("published again", told)
                results += count
                documents += len(step)
    out.print(f"{results} results of {documents} documents given to the tracker, which publishes them")


@asynccontextmanager
async def _telling(
    settings: Settings, wanted: Wanted
) -> AsyncIterator[tuple[Database, AsyncIterator[list[Told]]]]:
    async with open_database(settings.postgres, application_name="ksef-courier results") as database:
        yield database, told_again(database, PayloadStore(database), wanted)


def _steps(page: Sequence[Told], *, at_least: int) -> Iterator[list[Told]]:
    """The page in pieces of so many results; a document stays whole."""
    step: list[Told] = []
    for told in page:
        step.append(told)
        if sum(len(one.results) for one in step) >= at_least:
            yield step
            step = []
    if step:
        yield step


async def _publish(database: Database, step: Sequence[Told], wanted: Wanted, order: Replay) -> None:
    """Into the tracker's outbox, with the act, in one transaction."""
    async with database.transaction() as connection:
        await Outbox(STAGE).put(connection, [result for told in step for result in told.results])
        await acts.record(
            connection,
            who=order.who,
            what=REPLAYED,
            about=events.results_topic(wanted.source),
            reason=order.reason,
            detail={
                "replay_id": str(order.replay_id),
                "since": wanted.since.isoformat(),
                "until": wanted.until and wanted.until.isoformat(),
                "results": {str(told.document.document_id): len(told.results) for told in step},
            },
        )


def _print_told(what: str, told: Told) -> None:
    ref = told.document
    count = f"{len(told.results)} result{'s' if len(told.results) > 1 else ''}"
    line = f"{what}: {count} of document {ref.document_id} ({ref.erp_document_id}, revision {ref.revision})"
    out.print(line, markup=False)
