"""The simulator as a process or as a guest in somebody's event loop: sockets, clock, files, signals.

    async with running(Options(limits="off")) as server:
        ...  # server.url, server.admin_url, server.admin_token

Both ports listen before anything is announced. Binding an address other than loopback is refused for the
admin port, always.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Protocol

import uvicorn

from simulator.acceptance import AcceptanceLog, entries_of
from simulator.admin.core import Admin
from simulator.core import Simulator
from simulator.crypto.keys import KeyRing, load_or_create
from simulator.installation import Controls, Installation
from simulator.policy import Delays, Policy
from simulator.rates import rates_named
from simulator.seed import SeededCompany, apply_seed
from simulator.shell import CuttableProtocol, Endpoint
from simulator.store.memory import MemoryStore
from simulator.store.port import Store
from simulator.store.sqlite import SqliteStore
from simulator.wire import Answer, Request, Response

_LOOPBACK = "127.0.0.1"
_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 75
_STOP_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run. Without ``data`` everything is in memory and forgotten at the end."""

    host: str = _LOOPBACK
    port: int = 0
    admin_port: int = 0
    data: Path | None = None
    """A directory for the store and the acceptance log."""
    acceptance_log: Path | None = None
    """The log's file when it should be elsewhere than in ``data``, or when there is no ``data``."""
    policy: Policy = field(default_factory=Policy)
    delays: Delays = field(default_factory=Delays)
    limits: str = "production"
    seed: tuple[SeededCompany, ...] = ()
    random_seed: int = 0
    public_url: str | None = None


class Clock(Protocol):
    def __call__(self) -> datetime: ...


def system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Server:
    """A running simulator: its addresses, and its inside for tests that share the process."""

    url: str
    admin_url: str
    admin_token: str = field(repr=False)
    site: Installation
    store: Store
    acceptance_log: Path | None

    @property
    def api(self) -> str:
        return f"{self.url}/v2"

    def acceptance(self, *, after: int = 0) -> list[dict[str, object]]:
        """The entries of the acceptance log after a ``seq``, for tests that share the process."""
        count = self.store.last_seq() - after
        return [entry for row in self.store.invoices_after(after, limit=count) for entry in entries_of(row)]

    def ready_line(self) -> str:
        """What a starter needs to know, as one line of JSON."""
        log = None if self.acceptance_log is None else str(self.acceptance_log)
        content = {
            "event": "ready",
            "api": self.api,
            "url": self.url,
            "admin_url": self.admin_url,
            "admin_token": self.admin_token,
            "acceptance_log": log,
            "profile": self.site.policy.profile.value,
            "pid": os.getpid(),
        }
        return json.dumps(content)


@contextlib.asynccontextmanager
async def running(
    options: Options, *, clock: Clock = system_clock, keys: KeyRing | None = None
) -> AsyncIterator[Server]:
    """A simulator on real sockets, stopped and closed at the end of the block.

    ``keys`` spares a test suite the making of two RSA pairs per start; by default the store's are used.
    """
    store = _open_store(options.data)
    try:
        log = _open_log(options, store)
        try:
            site = _installation(options, store, now=clock(), keys=keys)
            async with _serving(options, site, store=store, log=log, clock=clock) as server:
                yield server
        finally:
            if log is not None:
                log.close()
    finally:
        store.close()


async def serve(options: Options, *, ready_file: Path | None = None) -> None:
    """Run until SIGTERM or SIGINT; the ready line goes to standard output and, if wanted, to a file."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with running(options) as server:
        line = server.ready_line()
        if ready_file is not None:
            _write_private(ready_file, line)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        await stop.wait()


def _open_store(data: Path | None) -> Store:
    if data is None:
        return MemoryStore()
    data.mkdir(parents=True, exist_ok=True)
    return SqliteStore(data / "simulator.sqlite")


def _open_log(options: Options, store: Store) -> AcceptanceLog | None:
    path = _log_path(options)
    return None if path is None else AcceptanceLog(path, store)


def _log_path(options: Options) -> Path | None:
    if options.acceptance_log is not None or options.data is None:
        return options.acceptance_log
    return options.data / "acceptance.jsonl"


@contextlib.asynccontextmanager
async def _serving(
    options: Options, site: Installation, *, store: Store, log: AcceptanceLog | None, clock: Clock
) -> AsyncIterator[Server]:
    rng = Random(f"{options.random_seed}/{_count_start(store)}")  # noqa: S311  repeatable on purpose
    simulator, token = Simulator(site), secrets.token_urlsafe(32)
    admin = Admin(site, token=token)

    def answer(request: Request) -> Answer:
        given = simulator.handle(request, now=clock(), rng=rng, store=store)
        if log is not None:
            log.catch_up()
        return given

    def administer(request: Request) -> Response:
        return admin.handle(request, now=clock(), rng=rng, store=store)

    async with (
        _listening(options.host, options.port, answer) as port,
        _listening(_LOOPBACK, options.admin_port, administer) as admin_port,
    ):
        yield Server(
            url=f"http://{options.host}:{port}",
            admin_url=f"http://{_LOOPBACK}:{admin_port}",
            admin_token=token,
            site=site,
            store=store,
            acceptance_log=_log_path(options),
        )


def _installation(options: Options, store: Store, *, now: datetime, keys: KeyRing | None) -> Installation:
    with store.transaction():
        keys = keys or load_or_create(store, now=now)
    apply_seed(options.seed, store)
    return Installation(
        policy=options.policy,
        keys=keys,
        controls=Controls(delays=options.delays, rates=rates_named(options.limits)),
        public_url=options.public_url,
    )


def _count_start(store: Store) -> int:
    """How often this store has been started: a restart must not draw the same references again."""
    starts = int(store.kept_value("starts") or b"0") + 1
    with store.transaction():
        store.keep_value("starts", str(starts).encode())
    return starts


class _Uvicorn(uvicorn.Server):
    """A guest: signals belong to the host program. ``up`` is set once it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _listening(host: str, port: int, answer: Callable[[Request], Answer]) -> AsyncIterator[int]:
    """Serve one port; gives the port number, which is a free one when ``port`` is 0."""
    listener = socket.create_server((host, port), backlog=_BACKLOG)
    server = _Uvicorn(
        uvicorn.Config(
            Endpoint(answer),
            http=CuttableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    # Told to stop before it is up, uvicorn would forget to release what it had opened by then.
    up = asyncio.create_task(server.up.wait())
    await asyncio.wait((task, up), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield listener.getsockname()[1]
    finally:
        up.cancel()
        server.should_exit = True
        await task


def _write_private(path: Path, line: str) -> None:
    """Whole or not at all, readable by its owner only: it holds the admin token."""
    draft = path.with_name(path.name + ".new")
    draft.touch(mode=0o600)
    draft.write_text(line + "\n", encoding="utf-8")
    draft.replace(path)
