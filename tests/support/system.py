"""The whole system for one test: simulator and workers as processes on the run's Kafka and PostgreSQL."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

import ksef
from cli import config, local_system, topics
from cli.config_files import read_config
from cli.documents import publish
from cli.expectations import ended
from cli.local_system import Simulator
from contracts import events, ids
from contracts.config import SourceConfig
from contracts.results import DocumentResult
from contracts.sales import DocumentFormat
from runtime import clock
from runtime.db import connect, open_database
from runtime.kafka import connection_options
from runtime.producer import open_producer
from runtime.records import Outbound
from runtime.settings import KafkaSettings, Settings
from runtime.topics import apply as create_topics
from services import WORKERS
from services.mapper.mapping import Mapping as MappedDocument
from services.mapper.mapping import map_document
from services.tracker import store as tracker_store
from services.tracker.life import Life
from stack import processes
from stack.local import Addresses
from stack.processes import Process

SAMPLES = Path(__file__).parents[2] / "samples"
# Shorter than in production, so that a test sees a take-over within seconds.
QUICK = {
    "KSEF_KAFKA__SESSION_TIMEOUT_SECONDS": "6",
    "KSEF_SENDER__LEASE_SECONDS": "6",
    "KSEF_API__TOTAL_SECONDS": "2.5",
    "KSEF_API__CONNECT_SECONDS": "1",
    "KSEF_SENDER__SESSION_IDLE_SECONDS": "3",
    "KSEF_SENDER__ABSENCE_QUIET_SECONDS": "1",
}
BUYER = {
    "nip": "8100000558",
    "name": "Odbiornik Polny sp. z o.o.",
    "address": {"country": "PL", "line1": "ul. Łąkowa 5, 10-001 Olsztyn"},
}
ALFA, BETA, GAMMA = "7010000117", "7020000225", "7030000333"
SOURCE_OF = {ALFA: "sap-north", BETA: "sap-north", GAMMA: "shop"}


def invoice(
    number: str, *, nip: str = ALFA, document_id: str | None = None, price: str = "10.00", lines: int = 1
) -> bytes:
    """An invoice as an ERP writes it; its document id is its number unless said otherwise."""
    line = {"name": "Usługa", "unit": "szt.", "qty": "1", "net_price": price, "rate": "23"}
    content = {
        "model": "invoice/1",
        "kind": "VAT",
        "number": number,
        "issue_date": "2026-11-02",
        "source": {"document_id": document_id or number},
        "seller": {"nip": nip},
        "buyer": BUYER,
        "lines": [line] * lines,
    }
    return json.dumps(content, ensure_ascii=False).encode()


@dataclass
class System:
    """What a test drives: publish as an ERP, kill and restart workers, read results and the oracle."""

    directory: Path
    settings: Settings
    environ: Mapping[str, str] = field(repr=False)
    simulator: Simulator
    workers: dict[str, Process] = field(default_factory=dict)
    credentials: Callable[[str], Mapping[str, str]] = lambda _worker: {}
    """What a worker's environment has beyond ``environ``: how it logs in to Kafka."""
    added: dict[str, SourceConfig] = field(default_factory=dict)
    """Sources configured beyond those of the samples."""

    def start(self, *workers: str) -> None:
        for worker in workers or WORKERS:
            log = self.directory / f"{worker}.jsonl"
            environ = {**self.environ, **self.credentials(worker)}
            self.workers[worker] = local_system.start_workers(environ, log=log, only=worker)

    def signal(self, worker: str, number: signal.Signals) -> None:
        processes.send(self.workers[worker], number)

    def kill(self, worker: str) -> None:
        """SIGKILL, and wait until it is gone."""
        processes.stop(self.workers[worker], (signal.SIGKILL, 10.0))

    def stop(self, *workers: str) -> None:
        for worker in workers or tuple(self.workers):
            local_system.stop(self.workers.pop(worker, None))

    def connected_as(self, kafka: KafkaSettings) -> Self:
        """The same system, for somebody else who publishes and reads."""
        return replace(self, settings=self.settings.model_copy(update={"kafka": kafka}))

    async def publish(self, source: str, contents: Sequence[bytes], *, ce_id: str | None = None) -> None:
        async with open_producer(self.settings.kafka, client_id="test-erp") as producer:
            await publish(producer, self.settings, source, contents, ce_id=ce_id)

    async def produce(self, topic: str, value: bytes, *, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Publish any bytes to any topic, as a stranger would."""
        async with open_producer(self.settings.kafka, client_id="test-stranger") as producer:
            await producer.publish([Outbound(topic, key=None, value=value, headers=headers)])

    async def read(self, topic: str, *, key: UUID | None = None, seconds: float = 30) -> list[ConsumerRecord]:
        """The records of a topic (of one key), once there is at least one."""
        name = self.settings.kafka.topic_prefix + topic
        found: list[ConsumerRecord] = []
        async with self._consumer([name]) as consumer:
            deadline = time.monotonic() + seconds
            while not found:
                assert time.monotonic() < deadline, f"nothing on {topic} within {seconds} s"
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [item for item in records if key is None or item.key == str(key).encode()]
        return found

    async def read_to_the_end(self, topic: str) -> list[ConsumerRecord]:
        """All records that a topic has now."""
        found: list[ConsumerRecord] = []
        async with self._consumer([self.settings.kafka.topic_prefix + topic]) as consumer:
            partitions = consumer.assignment()
            left = sum((await consumer.end_offsets(partitions)).values())
            left -= sum((await consumer.beginning_offsets(partitions)).values())
            while len(found) < left:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
        return found

    @asynccontextmanager
    async def _consumer(self, topics: Sequence[str]) -> AsyncIterator[AIOKafkaConsumer]:
        """From the beginning of all partitions, in no group."""
        consumer = AIOKafkaConsumer(**connection_options(self.settings.kafka))
        await consumer.start()
        try:
            partitions = [
                TopicPartition(topic, number)
                for topic in topics
                for number in await self._partitions_of(consumer, topic)
            ]
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            yield consumer
        finally:
            await consumer.stop()

    async def _partitions_of(self, consumer: AIOKafkaConsumer, topic: str) -> set[int]:
        await consumer._client.force_metadata_update()
        return set(consumer.partitions_for_topic(topic) or ())

    async def results(
        self,
        sources: Sequence[str],
        *,
        until: Callable[[dict[UUID, list[DocumentResult]]], bool],
        seconds: float = 90,
    ) -> dict[UUID, list[DocumentResult]]:
        """What the ERPs read, by document and in order of arrival, until that is enough."""
        found: dict[UUID, list[DocumentResult]] = {}
        topics = [self.settings.kafka.topic_prefix + events.results_topic(source) for source in sources]
        async with self._consumer(topics) as consumer:
            deadline = time.monotonic() + seconds
            while not until(found):
                assert time.monotonic() < deadline, f"not enough results: {self.describe(found)}"
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        result = DocumentResult.model_validate_json(record.value)
                        found.setdefault(result.document_id, []).append(result)
        return found

    async def until_ended(
        self, wanted: Sequence[UUID], *, seconds: float = 90
    ) -> dict[UUID, list[DocumentResult]]:
        """The results once every wanted document has come to its end."""
        return await self.results(
            sorted(set(SOURCE_OF.values())),
            until=lambda found: all(any(map(ended, found.get(document, []))) for document in wanted),
            seconds=seconds,
        )

    def describe(self, found: Mapping[UUID, Sequence[DocumentResult]]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for results in found.values():
            last = max(results, key=lambda result: result.sequence)
            counts[str(last.state)] = counts.get(str(last.state), 0) + 1
        return counts

    @property
    def dsn(self) -> str:
        return self.settings.postgres.dsn.get_secret_value()

    async def until_state(self, wanted: Sequence[UUID], state: str, *, seconds: float = 60) -> None:
        """Wait until the newest result of every one of these documents says so."""
        await self.results(
            sorted(set(SOURCE_OF.values())),
            until=lambda found: all(
                found.get(document) and max(found[document], key=_sequence).state == state
                for document in wanted
            ),
            seconds=seconds,
        )

    async def until_ready_to_be_sent(self, count: int, *, seconds: float = 60) -> None:
        """Wait until the sender has taken over so many documents that it has not sent."""
        connection = await connect(self.settings.postgres)
        try:
            deadline = time.monotonic() + seconds
            while (
                await connection.fetchval("select count(*) from sender.submission where state = 'ready'")
                < count
            ):
                assert time.monotonic() < deadline, f"not {count} ready to be sent within {seconds} s"
                await asyncio.sleep(0.1)
        finally:
            await connection.close()

    async def until_known_as(self, wanted: Sequence[UUID], state: str, *, seconds: float = 90) -> None:
        """Wait until the tracker's own book says so of every one of these documents, each once."""
        deadline = time.monotonic() + seconds
        while (known := [life.state for _, life in await self._known(wanted)]) != [state] * len(wanted):
            assert time.monotonic() < deadline, f"not {state} within {seconds} s: {sorted(known)}"
            await asyncio.sleep(0.2)

    async def ksef_numbers(self) -> dict[UUID, str]:
        """The KSeF number of every document that the tracker knows to have one."""
        known = await self._known(None)
        return {ref: life.ksef.ksef_number for ref, life in known if life.ksef and life.ksef.ksef_number}

    async def count_known(self) -> int:
        """How many documents the tracker has in its book."""
        return len(await self._known(None))

    async def _known(self, wanted: Sequence[UUID] | None) -> list[tuple[UUID, Life]]:
        async with open_database(self.settings.postgres, application_name="test") as database:
            found = await tracker_store.latest(database, since=datetime(2026, 1, 1, tzinfo=UTC))
        return [
            (document.ref.document_id, document.life)
            for document in found
            if wanted is None or document.ref.document_id in wanted
        ]

    def accepted(self, number: str) -> list[dict[str, Any]]:
        """What KSeF accepted under an invoice number: the oracle."""
        return [entry for entry in self.simulator.accepted() if entry["number"] == number]

    def received(self, number: str) -> list[dict[str, Any]]:
        """Every time the bytes that KSeF accepted under a number were posted to it."""
        hashes = {entry["hash"] for entry in self.accepted(number)}
        return [entry for entry in self.simulator.log("received") if entry["hash"] in hashes]

    async def until_accepted(self, number: str, *, seconds: float = 30) -> None:
        """Wait until KSeF has accepted an invoice of that number."""
        deadline = time.monotonic() + seconds
        while not self.accepted(number):
            assert time.monotonic() < deadline, f"{number} did not reach KSeF within {seconds} s"
            await asyncio.sleep(0.05)

    def fault(self, operation: str, effect: str, **how: Any) -> None:
        """Order the simulator to spoil the next call of an operation."""
        self.simulator.admin("POST", "/faults", {"operation": operation, "effect": effect, **how})

    async def journal(self, document: UUID) -> list[str]:
        """What the sender wrote down about a document, in order."""
        connection = await connect(self.settings.postgres)
        try:
            rows = await connection.fetch(
                "select event from sender.journal where document_id = $1 order by at, entry_id", document
            )
        finally:
            await connection.close()
        return [row["event"] for row in rows]

    async def issue_elsewhere(self, number: str, *, price: str) -> None:
        """Another program of the company issues an invoice of that number, with other content."""
        companies = read_config(SAMPLES / "config").companies
        mapping = map_document(
            invoice(number, price=price),
            format_=DocumentFormat.INVOICE_JSON,
            created_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
            companies=companies,
        )
        assert isinstance(mapping, MappedDocument)
        token = ksef.TokenCredential(self.environ[f"KSEF_TOKEN_{ALFA}"])
        bounds = ksef.Timeouts(connect_seconds=5, write_seconds=5, read_seconds=5, total_seconds=10)
        transport = ksef.HttpxTransport(ksef.HttpOptions(timeouts=bounds, user_agent="another program"))
        environment = ksef.Environment("test", self.simulator.api)
        repeat = ksef.RepeatPolicy(attempts=2, first_pause_seconds=0.2)
        async with ksef.KsefClient(
            environment, transport=transport, repeat=repeat, clock=clock.now
        ) as client:
            context = client.context(ksef.ContextId(ksef.ContextType.NIP, ALFA), token)
            key = ksef.SessionKey.generate()
            session = await context.open_online_session(form_code=ksef.FA_3, key=key)
            encrypted = key.encrypt_invoice(mapping.xml)
            mode = ksef.InvoicingMode.ONLINE
            await context.send_invoice(session.reference, invoice=encrypted, mode=mode)
        await self.until_accepted(number)

    def wake(self, process: Process) -> None:
        """SIGCONT for a process that was stopped."""
        processes.send(process, signal.SIGCONT)

    def end(self, process: Process) -> None:
        local_system.stop(process)

    async def until_spans(self, trace: str | None, names: set[str], *, seconds: float = 30) -> None:
        """Wait until a trace has spans of all these names; each process writes its own out now and then."""
        deadline = time.monotonic() + seconds
        while missing := names - {span["name"] for span in self.spans() if span["trace_id"] == trace}:
            assert time.monotonic() < deadline, f"no span {missing} in trace {trace}"
            await asyncio.sleep(0.1)

    def spans(self) -> list[dict[str, Any]]:
        """All spans exported so far, by whichever process."""
        files = (self.directory / "traces").glob("*.jsonl")
        return [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]

    async def command(self, *arguments: str) -> str:
        """What ``ksef-courier`` prints; it must succeed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cli",
            *arguments,
            env=dict(self.environ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        shown, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode()
        return shown.decode()

    async def add_source(self, source: str, *, companies: Sequence[str]) -> None:
        """Configure one more source, as an operator does."""
        files = read_config(SAMPLES / "config")
        added = {
            name: SourceConfig(source=name, companies=tuple(companies)) for name in (*self.added, source)
        }
        self.added = (*self.added, source)
        files = replace(files, sources={**files.sources, **added})
        await config.apply(self.settings, files, by="test", reason=None)
        await topics.apply(self.settings)

    async def create_topics(self, source: str) -> None:
        """The topics of a source that is not configured (yet)."""
        await create_topics(self.settings.kafka, sources=[source])

    def all_logs(self) -> str:
        return "".join(path.read_text("utf-8") for path in self.directory.glob("*.jsonl"))

    async def get(self, worker: str, path: str) -> str:
        """What a worker's probes answer; empty while it does not listen."""
        lines = [line for line in self.log_lines(worker) if line["event"] == "probes_listening"]
        if not lines:
            return ""
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(lines[-1]["address"] + path)).text
            except httpx.TransportError:
                return ""

    async def _is_ready(self, worker: str) -> bool:
        return (await self.get(worker, "/readyz")).startswith("ok")

    async def until_ready(self, *, seconds: float = 60) -> None:
        """Wait until every worker says that it is ready."""
        deadline = time.monotonic() + seconds
        while waiting := [
            name for name in self.workers if not (await self.get(name, "/readyz")).startswith("ok")
        ]:
            assert time.monotonic() < deadline, f"not ready within {seconds} s: {waiting}"
            await asyncio.sleep(0.1)

    def log_lines(self, worker: str) -> list[dict[str, Any]]:
        path = self.directory / f"{worker}.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def _sequence(result: DocumentResult) -> int:
    return result.sequence


def any_number(found: Mapping[UUID, Sequence[DocumentResult]]) -> bool:
    """Whether some document has its KSeF number."""
    return any(results[-1].ksef_number for results in found.values())


def document_id(number: str, *, nip: str = ALFA) -> UUID:
    """The id of a document made by :func:`invoice`."""
    return ids.document_id(SOURCE_OF[nip], number)


@contextmanager
def running_system(
    directory: Path,
    addresses: Addresses,
    *,
    dsn: str,
    topic_prefix: str,
    limits: str = "off",
    more: Mapping[str, str] | None = None,
) -> Iterator[System]:
    """Simulator started, database migrated, configuration and topics applied; no worker runs yet."""
    files = read_config(SAMPLES / "config")
    simulator = local_system.start_simulator(directory / "simulator", limits=limits)
    try:
        tokens = {nip: simulator.mint_token(nip, company.name) for nip, company in files.companies.items()}
        here = Addresses(kafka_bootstrap=addresses.kafka_bootstrap, postgres_dsn=dsn)
        prefix = {"KSEF_KAFKA__TOPIC_PREFIX": topic_prefix}
        environ = local_system.environment(
            here,
            simulator,
            tokens=tokens,
            trace_directory=directory / "traces",
            more={**QUICK, **prefix, **(more or {})},
        )
        settings = local_system.settings_of(environ)
        asyncio.run(local_system.prepare(settings, files, by="test"))
        system = System(directory=directory, settings=settings, environ=environ, simulator=simulator)
        try:
            yield system
        finally:
            system.stop()
    finally:
        local_system.stop(simulator.process)
