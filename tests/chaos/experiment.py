"""One experiment: everything started, documents flowing, faults on plan, healing, and then what was seen.

Invariant: however it ends, what was started is stopped, and a history is given that can be judged.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from cli import local_system
from cli.config_files import ConfigFiles
from cli.local_system import Simulator
from contracts.config import AddressConfig, CompanyConfig, ContextConfig, SourceConfig, TokenCredentialConfig
from runtime.settings import Settings
from stack.local import Addresses
from tests.chaos import evidence
from tests.chaos.documents import OUTSIDER, SOURCES, Traffic, companies, make_traffic
from tests.chaos.erp import Inbox, Publisher
from tests.chaos.faults import Saboteur
from tests.chaos.fleet import Fleet
from tests.chaos.history import History
from tests.chaos.plan import Dose, Event, make_plan
from tests.chaos.proxy import Proxy, open_proxy
from tests.chaos.servers import Servers, open_servers
from tests.support.system import QUICK

Say = Callable[[str], None]
_PROGRESS_SECONDS = 5.0
_POLL_SECONDS = 0.2


class End(StrEnum):
    """How the experiment ended."""

    COMPLETE = "all documents ended"
    LATE = "not all documents ended in time"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``seconds`` is the time of faults and publishing; ``heal_seconds`` bounds the wait for the last end."""

    seed: int
    seconds: float
    documents: int
    dose: Dose
    heal_seconds: float
    directory: Path
    """Logs go here; it must not exist or be empty."""

    @property
    def lease_seconds(self) -> float:
        return float(QUICK["KSEF_SENDER__LEASE_SECONDS"])

    def traffic(self) -> Traffic:
        return make_traffic(seed=self.seed, documents=self.documents, seconds=self.seconds)

    def plan(self) -> tuple[Event, ...]:
        return make_plan(
            seed=self.seed, seconds=self.seconds, dose=self.dose, lease_seconds=self.lease_seconds
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an experiment has shown."""

    end: End
    history: History
    first_published_at: Mapping[UUID, float]
    publications: int
    publications_repeated: int
    faults: Counter[str]
    calls_spoiled: Counter[str]
    ended_by_themselves: Counter[str]
    session_events: Mapping[str, int]
    postgres_version: str
    flow_seconds: float
    """From the first publication to the last end."""


async def run(options: Options, *, say: Say, stop: asyncio.Event) -> Seen:
    """Run one experiment; ``stop`` ends it early. Raises what a part of the harness itself raises."""
    traffic = options.traffic()
    async with _running(options, say) as parts:
        say(f"{len(parts.fleet.slots)} workers run; {len(traffic.documents)} documents are coming")
        return await _Experiment(options, traffic, parts, say, stop).run()


@dataclass(frozen=True, slots=True)
class _Parts:
    servers: Servers
    simulator: Simulator
    proxy: Proxy
    fleet: Fleet
    settings: Settings


@asynccontextmanager
async def _running(options: Options, say: Say) -> AsyncIterator[_Parts]:
    """Everything started, in order; stopped in the opposite one."""
    directory = options.directory
    directory.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        say("starting Kafka, PostgreSQL and the KSeF simulator")
        servers = await stack.enter_async_context(open_servers())
        addresses = await servers.up()
        simulator = await asyncio.to_thread(
            local_system.start_simulator, directory / "simulator", limits="off"
        )
        stack.push_async_callback(asyncio.to_thread, local_system.stop, simulator.process)
        where = urlsplit(simulator.api)
        proxy = await stack.enter_async_context(open_proxy(where.hostname or "", where.port or 0))
        environ = await asyncio.to_thread(_environment, addresses, simulator, proxy, where.path)
        settings = local_system.settings_of(environ)
        await local_system.prepare(settings, _config(), by="chaos")
        fleet = Fleet(environ, logs=directory)
        stack.push_async_callback(fleet.stop)
        say("starting the workers")
        await fleet.start()
        try:
            yield _Parts(servers, simulator, proxy, fleet, settings)
        finally:
            for log in servers.logs:
                with suppress(OSError):
                    (directory / log.name).write_bytes(log.read_bytes())


def _environment(addresses: Addresses, simulator: Simulator, proxy: Proxy, path: str) -> dict[str, str]:
    """The workers' settings; KSeF is reached through the proxy only."""
    simulator.admin("POST", "/companies", {"nip": OUTSIDER, "name": "Pasieka Lipowa"})
    tokens = {company.nip: simulator.mint_token(company.nip, company.nip) for company in companies()}
    more = {**QUICK, "KSEF_API__BASE_URL": proxy.address + path}
    return local_system.environment(addresses, simulator, tokens=tokens, more=more)


def _config() -> ConfigFiles:
    known = companies()
    return ConfigFiles(
        sources={
            source: SourceConfig(
                source=source, companies=tuple(company.nip for company in known if company.source == source)
            )
            for source in SOURCES
        },
        companies={
            company.nip: CompanyConfig(
                nip=company.nip,
                name=f"Firma {company.nip}",
                address=AddressConfig(line1="ul. Próbna 1, 80-299 Gdańsk"),
                context=ContextConfig(
                    value=company.nip,
                    credential=TokenCredentialConfig(token=f"env:KSEF_TOKEN_{company.nip}"),
                ),
            )
            for company in known
        },
        problems=(),
    )


class _Experiment:
    def __init__(
        self, options: Options, traffic: Traffic, parts: _Parts, say: Say, stop: asyncio.Event
    ) -> None:
        self._options = options
        self._traffic = traffic
        self._parts = parts
        self._say = say
        self._stop = stop
        self._wanted = {document.document_id for document in traffic.documents}
        self._inbox = Inbox(parts.settings.kafka, SOURCES)
        self._publisher = Publisher(parts.settings.kafka, traffic.publications)
        self._saboteur = Saboteur(parts.servers, parts.simulator, parts.proxy, parts.fleet, note=self._note)
        self._began = time.monotonic()
        parts.fleet.note = self._note

    async def run(self) -> Seen:
        side = [
            asyncio.create_task(self._inbox.run()),
            asyncio.create_task(self._parts.fleet.watch()),
            asyncio.create_task(self._tell_progress()),
        ]
        try:
            end = await self._act(side)
            seconds = time.monotonic() - self._began
        finally:
            await _cancel(side)
        return await self._collect(end, seconds)

    async def _act(self, side: list["asyncio.Task[None]"]) -> End:
        publishing = asyncio.create_task(self._publisher.run())
        sabotage = asyncio.create_task(self._saboteur.run(self._options.plan()))
        try:
            await self._first_of(
                [publishing, sabotage], side, until=lambda: publishing.done() and sabotage.done()
            )
            if self._stop.is_set():
                return End.INTERRUPTED
        finally:
            await _cancel([publishing, sabotage])
            await self._saboteur.heal()
        self._note("no more faults; waiting for the last documents")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._options.heal_seconds):
                await self._first_of([], side, until=self._all_ended)
        if self._stop.is_set():
            return End.INTERRUPTED
        return End.COMPLETE if self._all_ended() else End.LATE

    async def _first_of(
        self,
        acting: list["asyncio.Task[None]"],
        side: list["asyncio.Task[None]"],
        *,
        until: Callable[[], bool],
    ) -> None:
        """Wait for a condition or for the order to stop; a part that fails ends the wait with its error."""
        while not until() and not self._stop.is_set():
            for task in (*acting, *side):
                if task.done():
                    task.result()
            await asyncio.sleep(_POLL_SECONDS)

    def _all_ended(self) -> bool:
        return self._wanted <= self._inbox.ended

    async def _collect(self, end: End, seconds: float) -> Seen:
        """With all workers stopped, so that nothing changes any more while it is read."""
        parts = self._parts
        self._note("stopping the workers and reading what was seen")
        await parts.fleet.stop()
        await self._inbox.read_to_the_end()
        history = History(
            documents=self._traffic.documents,
            received=evidence.received(parts.simulator),
            accepted=evidence.accepted(parts.simulator),
            told=tuple(self._inbox.told),
            posts=tuple(parts.proxy.posts),
            journal=await evidence.journal(parts.settings.postgres),
            hashes=await evidence.hashes(parts.settings.postgres),
        )
        return Seen(
            end=end,
            history=history,
            first_published_at=self._publisher.first_at,
            publications=self._publisher.published,
            publications_repeated=self._publisher.repeated,
            faults=self._saboteur.done,
            calls_spoiled=parts.proxy.spoiled,
            ended_by_themselves=parts.fleet.ended,
            session_events=await evidence.session_events(parts.settings.postgres),
            postgres_version=await evidence.postgres_version(parts.settings.postgres),
            flow_seconds=seconds,
        )

    async def _tell_progress(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            ended = len(self._wanted & self._inbox.ended)
            faults = self._saboteur.done.total()
            self._note(
                f"published {self._publisher.published}/{len(self._traffic.publications)}, "
                f"ended {ended}/{len(self._wanted)}, faults {faults}"
            )

    def _note(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._began:7.1f} s  {text}")


async def _cancel(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
