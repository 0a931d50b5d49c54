"""``ksef-courier send`` and ``status``: what an ERP does, and what people ask about a document."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.output import escape, fail, out
from contracts import events
from contracts.envelope import TRACEPARENT
from contracts.sales import InvoiceFacts
from runtime.db import open_database
from runtime.producer import Producer, open_producer
from runtime.records import Outbound
from runtime.settings import Settings
from runtime.tracing import open_tracing
from services.intake.envelope import split
from services.sender import pauses, recovery_store
from services.sender.pauses import Pause
from services.sender.recovery_store import Standing
from services.tracker import store
from services.tracker.store import Document

_COLOURS = {
    "issued": "green",
    "pending": "yellow",
    "refused": "red",
    "rejected": "red",
    "needs-attention": "bold red",
}


def send(
    files: Annotated[list[Path], typer.Argument(help="invoice/1 as JSON, or FA(3) XML.", exists=True)],
    source: Annotated[str, typer.Option("--source", help="The source to publish as: erp.<source>.sales.v1")],
    ce_id: Annotated[
        str | None, typer.Option("--id", help="The ERP's document id, for one file that does not name it.")
    ] = None,
) -> None:
    """Publish documents as an ERP would; prints the id under which each one can be asked about.

    A file goes out byte for byte. Publishing it again is harmless: the same document gets the same answer.
    """
    if ce_id is not None and len(files) > 1:
        fail("--id names one document: give one file", code=2)
    settings = Settings.load()
    contents = [path.read_bytes() for path in files]
    asyncio.run(_publish(settings, source, contents, ce_id))
    for path, raw in zip(files, contents, strict=True):
        for document in split(raw, source=source, ce_id=ce_id):
            place = f" ({document.place})" if document.place else ""
            out.print(f"{document.document_id}  {path}{place}", markup=False)


async def _publish(settings: Settings, source: str, contents: Sequence[bytes], ce_id: str | None) -> None:
    async with open_producer(settings.kafka, client_id="ksef-courier-send") as producer:
        await publish(producer, settings, source, contents, ce_id=ce_id)


async def publish(
    producer: Producer,
    settings: Settings,
    source: str,
    contents: Sequence[bytes],
    *,
    ce_id: str | None = None,
) -> None:
    """Publish documents to a source's topic, each with a trace of its own that begins here."""
    tracing = open_tracing(settings.tracing, service="erp")
    records = []
    for raw in contents:
        with tracing.span("publish", tracing.start(None), attributes={"source": source}) as traceparent:
            headers = [(TRACEPARENT, (traceparent or "").encode())]
            if ce_id is not None:
                headers.append(("ce_id", ce_id.encode()))
            records.append(Outbound(events.sales_topic(source), key=None, value=raw, headers=headers))
    await producer.publish(records)
    tracing.shutdown()


def status(
    document: Annotated[
        str | None,
        typer.Argument(help="Document id, the ERP's id, invoice number or KSeF number; none: an overview."),
    ] = None,
    days: Annotated[int, typer.Option("--days", help="For the overview: how far back.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Where a document stands and its whole life with times; or how many stand where."""
    settings = Settings.load()
    if document is None:
        asyncio.run(_overview(settings, days=days))
    else:
        asyncio.run(_life(settings, document, as_json=as_json))


async def _overview(settings: Settings, *, days: int) -> None:
    async with open_database(settings.postgres, application_name="ksef-courier status") as database:
        rows = await store.overview(database, days=days)
        stops = await pauses.pauses(database)
        recovering = await recovery_store.standings(database)
    table = Table("company", "state", "outcome", "documents", "oldest", box=None, pad_edge=False)
    for row in rows:
        colour = _COLOURS.get(row["outcome"], "white")
        table.add_row(
            row["company_nip"] or "(unknown)",
            row["state"],
            f"[{colour}]{row['outcome']}[/]",
            str(row["documents"]),
            _time(row["oldest"]),
        )
    out.print(table)
    if not rows:
        out.print(f"no documents in the last {days} days")
    _print_holds(stops, recovering)


def _print_holds(stops: Sequence[Pause], recovering: Sequence[Standing]) -> None:
    """Why nothing is sent, if so."""
    for stop in stops:
        reason = f": {escape(stop.reason)}" if stop.reason else ""
        since = _time(stop.paused_at)
        out.print(
            f"[bold yellow]paused[/] {escape(stop.scope)} by {escape(stop.paused_by)} at {since}{reason}"
        )
    for standing in recovering:
        left = (
            "its sessions are to be listed"
            if standing.recover_since
            else f"{standing.sessions} sessions left"
        )
        out.print(f"[bold yellow]being looked up at KSeF[/] {escape(standing.context_key)}: {left}")


async def _life(settings: Settings, text: str, *, as_json: bool) -> None:
    async with open_database(settings.postgres, application_name="ksef-courier status") as database:
        found = await store.find(database, text)
        if not found:
            fail(f"no document has the id, number or KSeF number {text!r} (asked: the tracker's tables)")
        lives = [(document, await store.steps(database, document.ref)) for document in found]
    for document, steps in lives:
        if as_json:
            out.print_json(json.dumps(_as_json(document, steps), ensure_ascii=False, default=str))
        else:
            _print_life(document, steps)


def _print_life(document: Document, steps: Sequence[Mapping[str, Any]]) -> None:
    ref, life = document.ref, document.life
    colour = _COLOURS.get(life.outcome, "white")
    out.print(f"[bold]document {ref.document_id}[/]  [{colour}]{life.outcome}[/] ({life.state})")
    lines = {
        "source": f"{ref.source}, its document {ref.erp_document_id}, revision {ref.revision}",
        "company": ref.company_nip,
        "invoice": life.facts and _invoice(life.facts),
        "KSeF number": life.ksef and life.ksef.ksef_number,
        "acquired": life.ksef and life.ksef.acquired_at and _time(life.ksef.acquired_at),
        "session": life.ksef and life.ksef.session_reference,
        "UPO": life.upo and f"{life.upo.size_bytes} bytes, SHA-256 {life.upo.sha256}",
        "waits for": life.waits_for,
        "published at": life.origin
        and f"{life.origin.topic}, partition {life.origin.partition}, "
        f"offset {life.origin.offset}{f', {life.origin.place}' if life.origin.place else ''}",
        "trace": life.trace_id,
    }
    for name, value in lines.items():
        if value:
            out.print(f"  {name:<13} {value}", markup=False)
    first: datetime = steps[0]["at"] if steps else ref.accepted_at
    for step in steps:
        seconds = (step["at"] - first).total_seconds()
        when = f"{_time(step['at'])}  +{seconds:8.3f} s"
        out.print(f"  {step['sequence']:>3}. {when}  {step['stage']:<10} {step['state']}")
        for finding in step["status"].get("findings", ()):
            _print_finding(finding)
    out.print()


def _invoice(facts: InvoiceFacts) -> str:
    return f"{facts.number} ({facts.kind}), {facts.gross} {facts.currency}"


def _print_finding(finding: Mapping[str, Any]) -> None:
    where = " ".join(filter(None, (finding.get("field"), finding.get("fa3_path"), finding.get("place"))))
    at = f" [dim]({escape(where)})[/]" if where else ""
    out.print(f"         [red]{finding['code']}[/] {escape(finding['text'])}{at}")
    if finding.get("next_step"):
        out.print(f"              → {escape(finding['next_step'])}")


def _as_json(document: Document, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    life = document.life
    return {
        **document.ref.model_dump(mode="json"),
        "state": life.state,
        "outcome": life.outcome,
        "invoice": life.facts and life.facts.model_dump(mode="json"),
        "ksef": life.ksef and life.ksef.model_dump(mode="json"),
        "waits_for": life.waits_for,
        "trace_id": life.trace_id,
        "steps": [dict(step) for step in steps],
    }


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"
