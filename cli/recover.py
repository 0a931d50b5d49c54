"""``ksef-courier recover``: after the database was restored from a copy.

Three things may have been forgotten, and each is brought back from where it still is: intake's answers from
the topics that hold them, the documents from their topics by reading those again, and what KSeF has from KSeF
itself, by hash. All of it can be repeated; nothing is sent before the last is done.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from aiokafka import ConsumerRecord

from cli.moments import moment
from cli.output import err, fail, out
from cli.who import As, who
from contracts import events
from contracts.envelope import Undecodable, decode
from contracts.sending import ContextAdvanced
from runtime import acts, rewind, topics
from runtime.db import open_database
from runtime.records import headers_as_text
from runtime.rewind import SetBack
from runtime.settings import Settings
from services import WORKERS
from services.intake import memory
from services.intake.store import Answer
from services.sender import recovery_store
from services.sender.watermark import kept_watermarks

REACH_HOURS = 24.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: how far the groups go back, and which contexts Kafka knows."""

    since: datetime
    read_from: datetime
    groups: dict[str, list[SetBack]]
    kept: list[ContextAdvanced]


def recover(
    since: Annotated[
        datetime,
        typer.Option(
            "--since",
            parser=moment,
            metavar="TIME",
            help="When the copy was made, with offset: 2026-11-20T03:00:00+01:00.",
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept.")],
    reach_hours: Annotated[
        float,
        typer.Option(
            "--reach-hours", help="How much further back topics are read: longer than any lag then."
        ),
    ] = REACH_HOURS,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be done.")] = False,
    as_: As = None,
) -> None:
    """Bring a restored database up to what was published and sent since its copy was made.

    All workers must be stopped. Sets every consumer group back, so that documents are read again (known ones
    change nothing), and has senders ask KSeF for every session since then before they send anything. Without
    it senders refuse to send when they notice; forgotten documents would stay forgotten.
    """
    if since > datetime.now(UTC):
        fail(f"--since {since} is in the future", code=2)
    by = who(as_)
    at = since.astimezone(UTC)
    asyncio.run(
        _recover(Settings.load(), at, reach=timedelta(hours=reach_hours), by=by, reason=reason, yes=yes)
    )


async def _recover(
    settings: Settings, since: datetime, *, reach: timedelta, by: str, reason: str, yes: bool
) -> None:
    await _until_stopped(settings)
    plan = await _plan(settings, since, reach=reach)
    _show(plan)
    kept_days = min(topic.retention_days for topic in topics.table() if topic.visibility == "internal")
    if datetime.now(UTC) - plan.read_from > timedelta(days=kept_days):
        err.print(
            f"[yellow]topics keep {kept_days} days: what came after the copy and before that cannot be read "
            "again; ask the ERPs to publish it once more (what is known changes nothing)[/]"
        )
    if not yes:
        out.print("nothing was changed: add --yes to do it")
        return
    answers = await _remember(settings, plan)
    out.print(f"answers of intake that were forgotten: {answers}")
    contexts = await _mark(settings, plan, by=by, reason=reason)
    out.print(f"KSeF contexts to be looked up before anything is sent: {len(contexts)}")
    for group, steps in plan.groups.items():
        await rewind.apply(settings.kafka, group=group, steps=steps)
    out.print("done: start the workers; `ksef-courier status` says what is still being looked up")


async def _until_stopped(settings: Settings) -> None:
    """A worker that was killed counts as a member until its session has run out."""
    groups = [f"ksef.{worker}" for worker in WORKERS]
    patience = settings.kafka.session_timeout_seconds + 5
    deadline = time.monotonic() + patience
    while active := await rewind.members(settings.kafka, groups):
        if time.monotonic() > deadline:
            fail(f"these groups still have members: {', '.join(active)}. Stop all workers, then try again")
        err.print(f"[dim]waiting up to {patience:.0f} s for {', '.join(active)} to be without members[/]")
        await asyncio.sleep(2)


async def _plan(settings: Settings, since: datetime, *, reach: timedelta) -> Plan:
    # As the broker has them: the restored configuration may not know a source that was added since.
    there = await rewind.existing(settings.kafka)
    read_from = since - reach
    groups = {}
    for worker in WORKERS:
        names = [
            name
            for topic in topics.table()
            if worker in topic.consumers
            for name in there
            if topic.matches(name)
        ]
        group = f"ksef.{worker}"
        groups[group] = await rewind.plan(settings.kafka, group=group, topics=names, to=read_from)
    return Plan(since, read_from, groups, await kept_watermarks(settings.kafka))


async def _remember(settings: Settings, plan: Plan) -> int:
    """Give intake back the answers it gave since then."""
    remembered = 0
    async with open_database(settings.postgres, application_name="ksef-courier recover") as database:

        async def on_records(records: Sequence[ConsumerRecord]) -> None:
            nonlocal remembered
            found = filter(None, map(_answer, records))
            remembered += await memory.remember(database, list(found))

        wanted = [events.ACCEPTED, events.STATUS]
        count = await rewind.read_since(
            settings.kafka, topics=wanted, since=plan.read_from, on_records=on_records
        )
    err.print(f"[dim]read {count} records[/]")
    return remembered


def _answer(record: ConsumerRecord) -> Answer | None:
    try:
        return memory.answer_in(decode(headers_as_text(record.headers), record.value or b""))
    except Undecodable:
        return None  # whoever reads it for its content makes a dead letter of it


async def _mark(settings: Settings, plan: Plan, *, by: str, reason: str) -> list[str]:
    async with (
        open_database(settings.postgres, application_name="ksef-courier recover") as database,
        database.transaction() as connection,
    ):
        contexts = await recovery_store.mark(connection, since=plan.since, kept=plan.kept)
        detail = {"read_from": plan.read_from.isoformat(), "contexts": len(contexts)}
        about = plan.since.isoformat()
        await acts.record(
            connection, who=by, what="database-recovered", about=about, reason=reason, detail=detail
        )
        return contexts


def _show(plan: Plan) -> None:
    out.print(f"the copy was made at {plan.since:%F %T}Z; topics are read again from {plan.read_from:%F %T}Z")
    for group, steps in plan.groups.items():
        out.print(f"  {group:<16} {sum(step.records for step in steps)} records again", markup=False)
    for kept in plan.kept:
        out.print(f"  {kept.context_key:<16} last sent for at {kept.at:%F %T}Z", markup=False)
