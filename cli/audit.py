"""``ksef-courier audit``: compares the services' books with each other, once.

Each service's own auditor sees only its own tables; what one has told another is seen here. Invariant: it
only reads, page by page, and reports nothing that was merely under way: what looks wrong is looked at again.
"""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from cli.comparison import Finding, compare
from cli.output import err, escape, out
from runtime import clock
from runtime.db import Database, open_database
from runtime.settings import Settings
from services.sender import books as sender
from services.sender.books import Entry, Key
from services.tracker import books as tracker
from services.validator import books as validator

SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared, and what was found in it."""

    documents: int
    findings: tuple[Finding, ...]


def audit(
    days: Annotated[float, typer.Option("--days", min=0, help="How far back, by acceptance.")] = 7,
    settled_seconds: Annotated[
        float,
        typer.Option("--settled-seconds", min=0, help="Leave out what has changed within this time."),
    ] = 120,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Compare what validator, sender and tracker know of the same documents; exit code 1 when they differ.

    Every admitted document is with the sender, and nothing else is; how the sender ended with a document is
    what the tracker and the validator know; KSeF numbers agree. Changes nothing.
    """
    result = asyncio.run(run(Settings.load(), days=days, settled_seconds=settled_seconds))
    if as_json:
        content = {"documents": result.documents, "findings": [asdict(item) for item in result.findings]}
        out.print_json(json.dumps(content, ensure_ascii=False))
    else:
        _show(result)
    if result.findings:
        raise typer.Exit(1)


def _show(result: Audit) -> None:
    for finding in result.findings[:SHOWN]:
        out.print(f"{finding.document_id}  [red]{finding.kind}[/]  {escape(finding.text)}")
    for kind, mend in {finding.kind: finding.mend for finding in result.findings}.items():
        out.print(f"  {kind} → {escape(mend)}")
    if len(result.findings) > SHOWN:
        err.print(f"… and {len(result.findings) - SHOWN} more: see --json")
    verdict = f"{len(result.findings)} findings" if result.findings else "the books agree"
    out.print(f"{result.documents} documents compared: {verdict}")


async def run(settings: Settings, *, days: float, settled_seconds: float) -> Audit:
    """The work of the command."""
    async with open_database(settings.postgres, application_name="ksef-courier audit") as database:
        return await compare_books(database, days=days, settled_seconds=settled_seconds)


async def compare_books(database: Database, *, days: float, settled_seconds: float) -> Audit:
    """Compare all documents accepted within ``days``."""
    since = clock.now() - timedelta(days=days)
    documents: set[UUID] = set()
    suspects: set[Key] = set()
    async for keys in validator.admitted(database, since=since, settled_seconds=settled_seconds):
        documents |= {document_id for _, document_id in keys}
        known = await sender.entries_among(database, keys)
        suspects |= {key for key in keys if key[1] not in known}
    async for page in sender.entries(database, since=since, settled_seconds=settled_seconds):
        documents |= {entry.document_id for entry in page}
        entries = {entry.document_id: entry for entry in page}
        suspects |= (await _differences(database, [entry.key for entry in page], entries)).keys()
    findings = await confirmed(database, suspects, settled_seconds=settled_seconds)
    return Audit(documents=len(documents), findings=findings)


async def confirmed(
    database: Database, suspects: Collection[Key], *, settled_seconds: float
) -> tuple[Finding, ...]:
    """What is still so at a second look, at documents that have not moved meanwhile."""
    keys = sorted(suspects)
    everything = await sender.entries_among(database, keys)
    settled = await sender.entries_among(database, keys, settled_seconds=settled_seconds)
    still = [key for key in keys if key[1] in settled or key[1] not in everything]
    found = await _differences(database, still, settled)
    return tuple(finding for key in still for finding in found.get(key, ()))


async def _differences(
    database: Database, keys: Collection[Key], entries: Mapping[UUID, Entry]
) -> dict[Key, list[Finding]]:
    admitted = await validator.admitted_among(database, keys)
    standings = await tracker.standings(database, keys)
    numbers = await validator.numbers(database, [document_id for _, document_id in keys])
    found = {
        key: list(
            compare(
                key[1],
                admitted=key[1] in admitted,
                entry=entries.get(key[1]),
                standing=standings.get(key[1]),
                number=numbers.get(key[1]),
            )
        )
        for key in keys
    }
    return {key: findings for key, findings in found.items() if findings}
