"""A system on servers of its own, which are killed under its feet, stay away, and come back."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from cli.expectations import ended
from contracts.results import DocumentResult
from contracts.sales import Outcome
from stack import local
from tests.support.own_stack import SETTINGS, own_directory
from tests.support.system import ALFA, SOURCE_OF, System, document_id, invoice, running_system
from tests.support.waiting import until

Part = Literal["kafka", "postgres"]


@dataclass
class Servers:
    """Kafka and PostgreSQL, to be killed and brought back on their ports and data."""

    directory: Path

    def up(self) -> local.Addresses:
        # Durable: otherwise commits that were confirmed are still in the memory of the server that is killed.
        return local.up(self.directory, durable=True, settings=SETTINGS)

    def kill(self, part: Part) -> None:
        status = local.status(self.directory, settings=SETTINGS)
        pid = (status.kafka if part == "kafka" else status.postgres).pid
        assert pid is not None, f"{part} does not run"
        os.kill(pid, signal.SIGKILL)


@contextmanager
def system_on_own_servers(directory: Path) -> Iterator[tuple[System, Servers]]:
    """Everything but the workers."""
    with own_directory() as home:
        servers = Servers(home)
        addresses = servers.up()
        with running_system(directory, addresses, dsn=addresses.postgres_dsn, topic_prefix="") as system:
            yield system, servers


async def flow_through_an_outage(
    system: System, servers: Servers, part: Part, *, seconds: float, name: str, patience_seconds: float = 120
) -> None:
    """Documents flow; ``part`` is killed and away for that long; every document still has exactly one fate.

    ``name`` stands in the documents' numbers. Nobody helps but the supervisor, which must be running.
    """
    before, during, after = (_documents(name, when, count=20) for when in ("before", "during", "after"))
    await _publish(system, before)
    await _until_first_ended(system, before)

    servers.kill(part)
    since = time.monotonic()
    if part == "postgres":
        await _publish(system, during)
    await until(lambda: time.monotonic() - since > seconds, seconds=seconds + 5)
    servers.up()
    if part == "kafka":
        await _publish(system, during)
    await _publish(system, after)

    wanted = [*before, *during, *after]
    results = await system.until_ended(list(map(document_id, wanted)), seconds=patience_seconds)
    fates = {results[document_id(number)][-1].outcome for number in wanted}
    ours = set(wanted)
    accepted = Counter(entry["number"] for entry in system.simulator.accepted() if entry["number"] in ours)
    assert fates == {Outcome.ISSUED}
    assert accepted == Counter(wanted)


def _documents(name: str, when: str, *, count: int) -> list[str]:
    return [f"{name}/{when}/{number}" for number in range(count)]


async def _until_first_ended(system: System, numbers: Sequence[str]) -> None:
    """Then every stage is at work, and the others are right behind."""
    wanted = list(map(document_id, numbers))

    def one_has(found: Mapping[UUID, Sequence[DocumentResult]]) -> bool:
        return any(any(map(ended, found.get(document, []))) for document in wanted)

    await system.results([SOURCE_OF[ALFA]], until=one_has)


async def _publish(system: System, numbers: Sequence[str]) -> None:
    await system.publish(SOURCE_OF[ALFA], [invoice(number) for number in numbers])
