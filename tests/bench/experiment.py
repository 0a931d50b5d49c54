"""What is measured: the whole system as processes, on servers of its own, beside the floor."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from runtime.db import connect
from services import WORKERS
from stack.directory import StackDirectory
from tests.bench import cpu, floor
from tests.support.system import ALFA, BETA, GAMMA, SOURCE_OF, System, invoice

COMPANIES = (ALFA, BETA, GAMMA)
SELLER = {"name": "Huta Bursztyn sp. z o.o.", "line1": "ul. Piecowa 7", "line2": "80-299 Gdańsk"}
CREATED_AT = "2026-11-02T00:00:00Z"
POLL_SECONDS = 0.1

ADMITTED = "select count(*) from validator.document where verdict = 'admitted'"
COMPLETED = "select count(*) from sender.submission where state = 'completed'"
READY = "select count(*) from sender.submission where state = 'ready'"
_STEPS = """
    select d.erp_document_id, e.state, extract(epoch from e.at)::float8 as at
    from tracker.event e join tracker.document d using (accepted_at, document_id)
    where d.erp_document_id = any($1::text[]) order by e.sequence
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One round: CPU seconds per document by part, seconds of the wall, and the floor measured around it."""

    documents: int
    wall_seconds: float
    cpu_seconds: dict[str, float]
    floor_seconds: float

    @property
    def ours(self) -> float:
        """CPU of our own processes, per document."""
        return sum(seconds for part, seconds in self.cpu_seconds.items() if part in WORKERS)

    @property
    def everything(self) -> float:
        """With Kafka and PostgreSQL."""
        return sum(seconds for part, seconds in self.cpu_seconds.items() if part != "simulator")

    @property
    def ratio(self) -> float:
        return self.ours / self.floor_seconds


@dataclass(frozen=True, slots=True)
class Bench:
    """A running system, and where its servers' processes are."""

    system: System
    servers: Path

    def pids(self) -> dict[str, int]:
        state = StackDirectory(self.servers).state
        assert state.kafka is not None
        assert state.kafka.process is not None
        assert state.postgres is not None
        assert state.postgres.process is not None
        return {
            **{worker: process.pid for worker, process in self.system.workers.items()},
            "kafka": state.kafka.process.pid,
            "postgresql": state.postgres.process.pid,
            "simulator": self.system.simulator.process.pid,
        }

    def cpu(self) -> dict[str, float]:
        return {part: cpu.usage(pid).cpu_seconds for part, pid in self.pids().items()}

    def memory(self) -> dict[str, float]:
        return {part: cpu.usage(pid).resident_mib for part, pid in self.pids().items()}

    async def publish(self, numbers: Sequence[str], *, lines: int = 3) -> None:
        by_source: dict[str, list[bytes]] = {}
        for position, number in enumerate(numbers):
            nip = COMPANIES[position % len(COMPANIES)]
            by_source.setdefault(SOURCE_OF[nip], []).append(invoice(number, nip=nip, lines=lines))
        for source, contents in by_source.items():
            for first in range(0, len(contents), 500):
                await self.system.publish(source, contents[first : first + 500])

    async def until(self, sql: str, count: int, *, seconds: float) -> None:
        async with self.connection() as connection:
            deadline = time.monotonic() + seconds
            while await connection.fetchval(sql) < count:
                assert time.monotonic() < deadline, f"{sql}: not {count} within {seconds} s"
                await asyncio.sleep(POLL_SECONDS)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await connect(self.system.settings.postgres)
        try:
            yield connection
        finally:
            await connection.close()

    async def admission(self, name: str, *, before: int, documents: int) -> Round:
        """From the ERP's topic to admitted; floor F1."""
        first = self._f1(name, documents)
        round_ = await self._measure(name, documents, ADMITTED, before=before, floor_seconds=first)
        return _with_floor(round_, (first + self._f1(name, documents)) / 2)

    async def to_receipt(self, name: str, *, before: int, documents: int) -> Round:
        """From the ERP's topic to the stored receipt, online; floor F2."""
        first = self._f1(name, documents) + await self._http(documents)
        round_ = await self._measure(name, documents, COMPLETED, before=before, floor_seconds=first)
        return _with_floor(round_, (first + self._f1(name, documents) + await self._http(documents)) / 2)

    async def _measure(
        self, name: str, documents: int, done: str, *, before: int, floor_seconds: float
    ) -> Round:
        cpu_before, started = self.cpu(), time.monotonic()
        await self.publish([f"{name}/{number}" for number in range(documents)])
        await self.until(done, before + documents, seconds=600)
        wall = time.monotonic() - started
        # What is still to be reported belongs to it as well.
        await asyncio.sleep(2)
        spent = {part: (seconds - cpu_before[part]) / documents for part, seconds in self.cpu().items()}
        return Round(documents, wall, spent, floor_seconds)

    def _f1(self, name: str, documents: int) -> float:
        raws = [invoice(f"{name}/{number}", lines=3) for number in range(min(documents, 1000))]
        return floor.f1_seconds(raws, seller=SELLER, created_at=CREATED_AT)

    async def _http(self, documents: int) -> float:
        body = floor.f1(
            invoice("FV/1", lines=3), seller=SELLER, created_at=CREATED_AT, key=bytes(32), iv=bytes(16)
        ).body
        async with httpx.AsyncClient(base_url=self.system.simulator.api) as client:
            return await floor.http_seconds(client, count=min(documents, 300), body=str(body).encode())

    async def latencies(self, count: int) -> dict[str, list[float]]:
        """Seconds of each hop of documents that come one by one to an idle system, by the hop's last step."""
        names = [f"IDLE/{number}" for number in range(count)]
        async with self.connection() as connection:
            done = int(await connection.fetchval(COMPLETED))
            for number, name in enumerate(names, 1):
                await self.publish([name])
                await self.until(COMPLETED, done + number, seconds=60)
            await asyncio.sleep(2)
            rows = await connection.fetch(_STEPS, names)
        hops: dict[str, list[float]] = {}
        last: dict[str, float] = {}
        for row in rows:
            if row["erp_document_id"] in last:
                hops.setdefault(row["state"], []).append(row["at"] - last[row["erp_document_id"]])
            last[row["erp_document_id"]] = row["at"]
        return hops


def _with_floor(round_: Round, floor_seconds: float) -> Round:
    return Round(round_.documents, round_.wall_seconds, round_.cpu_seconds, floor_seconds)
