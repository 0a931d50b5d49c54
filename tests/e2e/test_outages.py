"""Kafka and PostgreSQL go away under flow and come back: every document has one fate, and nobody has to help.

The absences are short here; ``flow_through_an_outage`` takes any.
"""

import signal
from collections.abc import Iterator

import pytest

from contracts import events
from services import WORKERS
from stack.processes import is_running
from tests.support.outages import Servers, flow_through_an_outage, system_on_own_servers
from tests.support.system import System
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("outages")

AWAY_SECONDS = 8


@pytest.fixture(scope="module")
def supervised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, Servers]]:
    """All workers as children of one supervisor, on servers of their own."""
    with system_on_own_servers(tmp_path_factory.mktemp("outages")) as (system, servers):
        system.start("all")
        yield system, servers


async def test_kafka_may_be_away_under_flow(supervised: tuple[System, Servers]) -> None:
    system, servers = supervised

    await flow_through_an_outage(system, servers, "kafka", seconds=AWAY_SECONDS, name="K")

    assert await dead_letters(system) == 0


async def test_postgresql_may_be_away_under_flow(supervised: tuple[System, Servers]) -> None:
    system, servers = supervised

    await flow_through_an_outage(system, servers, "postgres", seconds=AWAY_SECONDS, name="P")

    assert await dead_letters(system) == 0


async def dead_letters(system: System) -> int:
    topics = map(events.dead_letter_topic, WORKERS)
    return sum([len(await system.read_to_the_end(topic)) for topic in topics])


async def test_a_worker_stops_in_time_while_kafka_is_away(supervised: tuple[System, Servers]) -> None:
    system, servers = supervised
    system.start("mapper")
    await until(lambda: has_said(system, "partitions_assigned"), seconds=60)

    servers.kill("kafka")
    system.signal("mapper", signal.SIGTERM)
    mapper = system.workers.pop("mapper")
    try:
        await until(lambda: not is_running(mapper), seconds=50)
    finally:
        system.end(mapper)
        servers.up()

    assert not has_said(system, "worker_killed")


def has_said(system: System, event: str) -> bool:
    return any(line["event"] == event for line in system.log_lines("mapper"))
