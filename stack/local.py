"""The local Kafka and PostgreSQL of one directory: ``up``, ``status``, ``down``.

Any number of callers, in any order, get one pair of servers per directory: a call repeated changes nothing,
a part that died is started again on its data. A part whose address the settings give is never touched.
All functions block; from async code call them in a thread.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from stack.directory import StackDirectory
from stack.errors import PortTaken, StackError, StartFailed
from stack.kafka import KafkaBroker, KafkaRuntime
from stack.ports import HOST, free_ports, is_free
from stack.postgres import PostgresRuntime, PostgresServer, new_password
from stack.processes import Process, is_running
from stack.progress import Progress, Step, silent
from stack.settings import Settings
from stack.state import KafkaState, PostgresState

_PORT_ATTEMPTS = 3

Condition: TypeAlias = Literal["given", "running", "stopped", "absent"]
"""``given`` by the settings, so not ours to ask; ``absent``: never started in this directory."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where to connect. The DSN carries a password and does not show in ``repr``."""

    kafka_bootstrap: str
    postgres_dsn: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PartStatus:
    """``address`` is ``host:port`` without user or password, or None where there is none."""

    condition: Condition
    address: str | None = None
    pid: int | None = None
    log: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Status:
    directory: Path
    kafka: PartStatus
    postgres: PartStatus


def up(
    directory: Path | None = None,
    *,
    durable: bool,
    progress: Progress = silent,
    settings: Settings | None = None,
) -> Addresses:
    """Have both servers running in ``directory`` and return where they listen.

    ``durable``: PostgreSQL writes through to the disk; without it a crash of the machine (not of the server)
    may lose data, which only tests can afford. ``settings`` are by default those of the environment, and name
    the directory if the caller does not. Data of an earlier ``down(keep_data=True)`` is used again, on the
    same ports as long as they are free. Raises :class:`StackError`; what had started by then stays running.
    """
    chosen = settings or Settings.from_environ(os.environ)
    home = StackDirectory(directory or chosen.directory)
    if chosen.kafka_bootstrap and chosen.postgres_dsn:
        return Addresses(kafka_bootstrap=chosen.kafka_bootstrap, postgres_dsn=chosen.postgres_dsn)
    with home.claimed(progress=progress):
        return Addresses(
            postgres_dsn=chosen.postgres_dsn or _postgres_up(home, chosen, progress, durable=durable),
            kafka_bootstrap=chosen.kafka_bootstrap or _kafka_up(home, chosen, progress),
        )


def status(directory: Path | None = None, *, settings: Settings | None = None) -> Status:
    """What runs now. Changes nothing and waits for nobody."""
    chosen = settings or Settings.from_environ(os.environ)
    home = StackDirectory(directory or chosen.directory)
    known = home.state
    kafka, postgres = PartStatus(condition="absent"), PartStatus(condition="absent")
    if chosen.kafka_bootstrap:
        kafka = PartStatus(condition="given", address=chosen.kafka_bootstrap)
    elif known.kafka:
        kafka = _part_status(known.kafka.process, known.kafka.port, _broker(home, known.kafka).log)
    if chosen.postgres_dsn:
        postgres = PartStatus(condition="given", address=_host_of(chosen.postgres_dsn))
    elif known.postgres:
        postgres = _part_status(
            known.postgres.process, known.postgres.port, _server(home, known.postgres).log
        )
    return Status(directory=home.path, kafka=kafka, postgres=postgres)


def down(
    directory: Path | None = None,
    *,
    keep_data: bool = False,
    progress: Progress = silent,
    settings: Settings | None = None,
) -> None:
    """Stop what was started in ``directory`` and remove it, data included unless ``keep_data``.

    Does nothing where nothing is. Raises :class:`NotOurs` for a directory with other things in it.
    """
    chosen = settings or Settings.from_environ(os.environ)
    home = StackDirectory(directory or chosen.directory)
    if not home.exists():
        return
    with home.claimed(progress=progress):
        _stop(home, progress)
        if not keep_data:
            home.remove()


def _stop(home: StackDirectory, progress: Progress) -> None:
    known = home.state
    if known.kafka:
        progress(Step("stopping Kafka"))
        _broker(home, known.kafka).stop()
        known = replace(known, kafka=replace(known.kafka, process=None))
    if known.postgres:
        progress(Step("stopping PostgreSQL"))
        _server(home, known.postgres).stop()
        known = replace(known, postgres=replace(known.postgres, process=None))
    home.save(known)


def _kafka_up(home: StackDirectory, settings: Settings, progress: Progress) -> str:
    known = home.state.kafka
    if known is not None and _is_ready(broker := _broker(home, known)):
        return broker.bootstrap_servers
    runtime = KafkaRuntime.find(settings, progress=progress)

    def start(ports: Sequence[int]) -> str:
        new = KafkaState(port=ports[0], controller_port=ports[1])
        broker = _broker(home, new)
        broker.start(
            runtime,
            launched=lambda process: home.save(replace(home.state, kafka=replace(new, process=process))),
        )
        return broker.bootstrap_servers

    progress(Step("starting Kafka"))
    return _on_ports((known.port, known.controller_port) if known else free_ports(2), start)


def _postgres_up(home: StackDirectory, settings: Settings, progress: Progress, *, durable: bool) -> str:
    known = home.state.postgres
    if known is not None and _is_ready(server := _server(home, known)):
        if durable and not known.durable:
            raise StackError(f"PostgreSQL in {home.path} runs without durability: stop it first (down)")
        return server.dsn
    home.let_postgres_in()
    runtime = PostgresRuntime.find(settings, copy=home.postgres_copy)
    password = known.password if known else new_password()

    def start(ports: Sequence[int]) -> str:
        new = PostgresState(port=ports[0], password=password, durable=durable)
        server = _server(home, new)
        # The password is of use only together with the data, so it is kept before the data is made.
        home.save(replace(home.state, postgres=new))
        server.start(
            runtime,
            launched=lambda process: home.save(replace(home.state, postgres=replace(new, process=process))),
        )
        return server.dsn

    progress(Step("starting PostgreSQL"))
    return _on_ports((known.port,) if known else free_ports(1), start)


def _is_ready(part: KafkaBroker | PostgresServer) -> bool:
    """Whether the part runs, waiting for one that is still starting; False also for one that just ended."""
    if not is_running(part.process):
        return False
    try:
        part.wait_ready()
    except StartFailed:
        if is_running(part.process):
            raise
        return False
    return True


def _on_ports(preferred: Sequence[int], start: Callable[[Sequence[int]], str]) -> str:
    """Start on the preferred ports if they are free, else on others; again on others if one is then taken."""
    ports = preferred if all(is_free(port) for port in preferred) else free_ports(len(preferred))
    for _ in range(_PORT_ATTEMPTS - 1):
        with suppress(PortTaken):
            return start(ports)
        ports = free_ports(len(preferred))
    return start(ports)


def _broker(home: StackDirectory, known: KafkaState) -> KafkaBroker:
    return KafkaBroker(
        home.kafka, port=known.port, controller_port=known.controller_port, process=known.process
    )


def _server(home: StackDirectory, known: PostgresState) -> PostgresServer:
    return PostgresServer(
        home.postgres,
        port=known.port,
        password=known.password,
        durable=known.durable,
        process=known.process,
    )


def _part_status(process: Process | None, port: int, log: Path) -> PartStatus:
    if process is None or not is_running(process):
        return PartStatus(condition="stopped", log=log)
    return PartStatus(condition="running", address=f"{HOST}:{port}", pid=process.pid, log=log)


def _host_of(dsn: str) -> str | None:
    return urlsplit(dsn).netloc.rpartition("@")[2] or None
