"""``ksef-courier demo``: the main job, on real parts, on this machine, with every outcome checked."""

import asyncio
import json
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from aiokafka import AIOKafkaConsumer
from rich.live import Live
from rich.table import Table

from cli import expectations, local_system
from cli.config import checked
from cli.documents import publish
from cli.expectations import Expected
from cli.local_system import Simulator
from cli.output import err, escape, out
from cli.stack import show
from contracts import events
from contracts.content import InlineContent
from contracts.results import DocumentResult
from contracts.sales import Outcome
from runtime.producer import open_producer
from runtime.settings import Settings
from stack import local
from stack import settings as stack_settings
from stack.processes import Process, is_running

PATIENCE_SECONDS = 120.0
# May be self-billed by the shop; a grant that the ministry's application would have recorded.
SELF_BILLED_SELLER = "8200000664"
SELF_BILLED_WITHOUT_GRANT = "7110000772"

Directory = Annotated[Path, typer.Option("--directory", help="Where logs, traces and UPO files go.")]


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running at the end.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop what --keep left running.")] = False,
    directory: Directory = Path(".run/demo"),
    samples: Annotated[Path, typer.Option("--samples", help="Documents, config, expectations.")] = Path(
        "samples"
    ),
) -> None:
    """Start everything on real parts, publish the samples as two ERPs would, check what becomes of each.

    Exits 0 only if every document ended as samples/expected.yaml says.
    """
    place = _Place(directory.absolute())
    if stop:
        place.stop()
        return
    if place.is_running():
        out.print(f"it runs already; `make down` stops it. Addresses: {place.env_file}", markup=False)
        raise typer.Exit(0 if keep else 1)
    place.stop()
    all_right = False
    try:
        all_right = asyncio.run(_run(place, samples))
    finally:
        if not (keep and all_right):
            place.stop()
    if keep and all_right:
        place.tell_addresses()
    raise typer.Exit(0 if all_right else 1)


class _Place:
    """The demo's directory: logs, traces, receipts, and what is needed to stop what was started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.logs = directory / "logs"
        self.traces = directory / "traces"
        self.receipts = directory / "upo"
        self.env_file = directory / "env.sh"
        self.workers_log = self.logs / "workers.jsonl"
        self._state = directory / "processes.json"
        default = stack_settings.Settings.from_environ({}).directory
        self.stack = default.with_name(f"{default.name}-demo")

    def begin(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        for path in (self.logs, self.traces, self.receipts):
            path.mkdir(parents=True, mode=0o700)

    def remember(self, **processes: Process) -> None:
        content = self._processes() | processes
        text = json.dumps({name: [p.pid, p.started] for name, p in content.items()})
        self._state.write_text(text, "utf-8")

    def is_running(self) -> bool:
        return any(is_running(process) for process in self._processes().values())

    def stop(self) -> None:
        """Stop what this demo, or an earlier one, left running. Receipts, logs and traces stay."""
        for process in reversed(self._processes().values()):
            local_system.stop(process)
        self._state.unlink(missing_ok=True)
        self.env_file.unlink(missing_ok=True)
        local.down(self.stack, progress=show)

    def write_env(self, environ: Mapping[str, str]) -> None:
        """Variables for a shell: they hold secrets, so the file is its owner's only."""
        ours = {name: value for name, value in environ.items() if name.startswith("KSEF_")}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(ours.items())]
        self.env_file.touch(mode=0o600)
        self.env_file.write_text("\n".join(lines) + "\n", "utf-8")

    def tell_addresses(self) -> None:
        out.print("\nIt goes on running. In this shell:")
        out.print(f"  . {self.env_file}", markup=False)
        out.print("  .venv/bin/ksef-courier status", markup=False)
        out.print(
            "  .venv/bin/ksef-courier send samples/documents/shop/01-vat.json --source shop", markup=False
        )
        out.print("Stop it with `make down`.")

    def _processes(self) -> dict[str, Process]:
        with suppress(OSError, ValueError):
            content: dict[str, Any] = json.loads(self._state.read_text("utf-8"))
            return {name: Process(pid, started) for name, (pid, started) in content.items()}
        return {}


async def _run(place: _Place, samples: Path) -> bool:
    place.begin()
    files = checked(samples / "config")
    waves = expectations.read(samples)
    addresses = await asyncio.to_thread(local.up, place.stack, durable=True, progress=show)
    _say("starting the KSeF simulator")
    simulator = await asyncio.to_thread(local_system.start_simulator, place.logs / "simulator")
    place.remember(simulator=simulator.process)
    tokens = {nip: simulator.mint_token(nip, company.name) for nip, company in files.companies.items()}
    _tell_of_sellers(simulator)
    environ = local_system.environment(
        addresses, simulator, tokens=tokens, trace_directory=place.traces, more=_BRISK
    )
    place.write_env(environ)
    settings = local_system.settings_of(environ)
    _say("migrating the database, applying the configuration, creating the topics")
    await local_system.prepare(settings, files, by="demo")
    _say("starting the workers")
    workers = local_system.start_workers(environ, log=place.workers_log)
    place.remember(workers=workers)
    return await _rehearse(place, settings, samples, waves, workers)


# The demo shows the flow, not the patience that a real KSeF asks for.
_BRISK = {"KSEF_SENDER__SESSION_IDLE_SECONDS": "5", "KSEF_SENDER__ABSENCE_QUIET_SECONDS": "2"}


def _tell_of_sellers(simulator: Simulator) -> None:
    """Sellers whose invoices the shop issues for them: one has granted it, one has not."""
    grant = {
        "nip": SELF_BILLED_SELLER,
        "name": "Gospodarstwo Zielarskie Dolina",
        "self_billing_buyers": ["7030000333"],
    }
    simulator.admin("POST", "/companies", grant)
    simulator.admin("POST", "/companies", {"nip": SELF_BILLED_WITHOUT_GRANT, "name": "Pasieka Lipowa"})


async def _rehearse(
    place: _Place, settings: Settings, samples: Path, waves: Sequence[Sequence[Expected]], workers: Process
) -> bool:
    inbox = Inbox()
    expected = [item for wave in waves for item in wave]
    sources = sorted({item.expectation.source for item in expected})
    consumer = AIOKafkaConsumer(
        *(events.results_topic(source) for source in sources),
        bootstrap_servers=settings.kafka.bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        for wave in waves:
            await _publish(settings, samples, wave)
            await _follow(
                inbox,
                consumer,
                wave,
                lambda: local_system.check_running(workers, log=place.workers_log, what="the workers"),
            )
    except TimeoutError:
        err.print(f"[red]not all documents ended within {PATIENCE_SECONDS:.0f} s; logs: {place.logs}[/]")
    finally:
        await consumer.stop()
    return _report(place, expected, inbox)


async def _follow(
    inbox: "Inbox", consumer: AIOKafkaConsumer, wave: Sequence[Expected], check: Callable[[], None]
) -> None:
    """Read results, and show where the documents stand, until all of a wave have ended."""
    wanted = {item.document_id for item in wave}
    with Live(console=err, refresh_per_second=8, transient=True) as live:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not inbox.all_ended(wanted):
                check()
                live.update(inbox.progress(wanted))
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        inbox.take(record.value)


async def _publish(settings: Settings, samples: Path, expected: Sequence[Expected]) -> None:
    """Each file once per line of its first place, in order: a file that stands there twice goes out twice."""
    lines = [item.expectation for item in expected if item.expectation.place in (None, "document 1")]
    _say(f"publishing {len(lines)} records as {len({line.source for line in lines})} ERPs")
    async with open_producer(settings.kafka, client_id="demo-erp") as producer:
        for source in dict.fromkeys(line.source for line in lines):
            files = [samples / "documents" / line.file for line in lines if line.source == source]
            await publish(producer, settings, source, [path.read_bytes() for path in files])


class Inbox:
    """What the ERPs have read on their results topics so far."""

    def __init__(self) -> None:
        self.latest: dict[UUID, DocumentResult] = {}
        self.codes: dict[UUID, tuple[str, ...]] = {}
        self._seen: set[tuple[UUID, int]] = set()

    def take(self, value: bytes) -> None:
        result = DocumentResult.model_validate_json(value)
        if (result.document_id, result.sequence) in self._seen:
            return
        self._seen.add((result.document_id, result.sequence))
        before = self.latest.get(result.document_id)
        if before is None or before.sequence < result.sequence:
            self.latest[result.document_id] = result
        if result.findings:
            self.codes[result.document_id] = tuple(finding.code for finding in result.findings)

    def all_ended(self, wanted: set[UUID]) -> bool:
        return all(expectations.ended(self.latest.get(document)) for document in wanted)

    def progress(self, wanted: set[UUID]) -> Table:
        latest = [self.latest.get(document) for document in wanted]
        counts = Counter("published" if result is None else str(result.state) for result in latest)
        table = Table(box=None, show_header=False, pad_edge=False)
        for state, count in sorted(counts.items()):
            table.add_row(f"[cyan]{state:<12}[/]", "█" * count, str(count))
        return table


def _report(place: _Place, expected: Sequence[Expected], inbox: Inbox) -> bool:
    table = Table(
        "document", "company", "outcome", "KSeF number / finding", "s", "", box=None, pad_edge=False
    )
    wrong = 0
    for item in expected:
        result = inbox.latest.get(item.document_id)
        codes = inbox.codes.get(item.document_id, ())
        problem = expectations.mismatch(item.expectation, result, codes)
        wrong += problem is not None
        name = item.expectation.file + (f", {item.expectation.place}" if item.expectation.place else "")
        seconds = f"{(result.at - result.accepted_at).total_seconds():.1f}" if result else ""
        issued = result is not None and result.outcome == Outcome.ISSUED
        colour = "green" if issued else "yellow"
        table.add_row(
            name,
            (result and result.company_nip) or "",
            f"[{colour}]{result.outcome if result else '?'}[/]",
            (result.ksef_number or "") if result and issued else " ".join(codes),
            seconds,
            "[green]as expected[/]" if problem is None else f"[bold red]{escape(problem)}[/]",
        )
        if result is not None:
            _keep_receipt(place, result)
    out.print(table)
    receipts = len(list(place.receipts.iterdir()))
    out.print(f"\n{receipts} official receipts (UPO): {place.receipts}", markup=False)
    out.print(f"traces: {place.traces}   logs: {place.logs}", markup=False)
    verdict = "[bold green]all as expected[/]" if not wrong else f"[bold red]{wrong} not as expected[/]"
    out.print(f"{len(expected)} documents published, {verdict}")
    return wrong == 0


def _keep_receipt(place: _Place, result: DocumentResult) -> None:
    if isinstance(result.upo, InlineContent) and result.ksef_number:
        (place.receipts / f"{result.ksef_number}.xml").write_bytes(result.upo.to_bytes())


def _say(text: str) -> None:
    err.print(f"[dim]{escape(text)}[/]")
