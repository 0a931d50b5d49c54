"""Repeating is harmless: every stage reads everything again from the beginning, and nothing has changed."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from contracts import events
from contracts.sales import Outcome
from runtime.db import connect
from services import WORKERS
from tests.support.positions import Positions
from tests.support.system import ALFA, BETA, GAMMA, System, document_id, invoice

pytestmark = pytest.mark.xdist_group("rewind")

SOURCES = ("sap-north", "shop")
INTERNAL = (events.ACCEPTED, events.MAPPED, events.ADMITTED, events.STATUS)
DEAD_LETTERS = tuple(map(events.dead_letter_topic, WORKERS))
TOPICS = (*INTERNAL, *map(events.results_topic, SOURCES), *DEAD_LETTERS)
# When somebody looks or writes next, and who: no state of a document.
VOLATILE = {"due_at", "next_at", "lease_owner", "lease_until", "fence"}

_TABLES = """
    select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition
        and n.nspname in ('intake', 'validator', 'sender', 'tracker', 'payload') and c.relname <> 'outbox'
"""


async def test_all_stages_read_again_from_the_beginning_change_nothing(own_system: System) -> None:
    system = own_system
    positions = Positions(system.settings, sources=SOURCES)
    system.start()
    await everything_ends(system)
    await positions.until_at_the_end()
    system.stop()
    rows, log, published = await snapshot(system), system.simulator.log("received"), await read_all(system)

    await positions.rewind()
    system.start()
    await positions.until_at_the_end()

    assert await snapshot(system) == rows
    assert system.simulator.log("received") == log
    again = await read_all(system)
    assert {name: ids_of(records) for name, records in again.items()} == {
        name: ids_of(records) for name, records in published.items()
    }
    # Intake published all of it again, the mapper what it had read and that; the tracker knew every step.
    assert len(again[events.ACCEPTED]) == 2 * len(published[events.ACCEPTED])
    assert len(again[events.MAPPED]) == 3 * len(published[events.MAPPED])
    assert sequences(again) == sequences(published)
    assert [name for name in DEAD_LETTERS if again[name]] == []


async def everything_ends(system: System) -> None:
    """Documents with every fate that needs no misbehaving KSeF."""
    issued = [("R/1", ALFA), ("R/2", BETA), ("R/3", GAMMA), ("R/4", ALFA)]
    await system.publish("sap-north", [invoice(number, nip=nip) for number, nip in issued if nip != GAMMA])
    await system.publish("shop", [invoice("R/3", nip=GAMMA), invoice("R/5", nip=ALFA)])
    await system.until_ended([document_id(number, nip=nip) for number, nip in issued])
    await system.issue_elsewhere("R/7", price="77.00")
    await system.publish(
        "sap-north",
        [
            invoice("R/1", price="11.00"),  # other bytes under a known id
            invoice("R/1", document_id="copy"),  # the same content under another id
            invoice("R/6", lines=3000),  # by reference
            invoice("R/7"),  # a number that KSeF holds from another program
        ],
    )
    results = await system.until_ended(
        [document_id("copy"), document_id("R/6"), document_id("R/7"), document_id("R/5", nip=GAMMA)]
    )
    fates = Counter(steps[-1].outcome for steps in results.values())
    assert fates == {Outcome.ISSUED: 5, Outcome.REFUSED: 2, Outcome.NEEDS_ATTENTION: 1}


async def snapshot(system: System) -> dict[str, list[str]]:
    """All rows of all tables that keep state, without the columns that only say when to look again."""
    connection = await connect(system.settings.postgres)
    try:
        names = [row["name"] for row in await connection.fetch(_TABLES)]
        tables = {
            name: await connection.fetch(f"select to_jsonb(t) as row from {name} t")  # noqa: S608
            for name in names
        }
    finally:
        await connection.close()
    return {name: sorted(stable(json.loads(found["row"])) for found in rows) for name, rows in tables.items()}


def stable(row: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in row.items() if name not in VOLATILE}, sort_keys=True)


async def read_all(system: System) -> dict[str, list[ConsumerRecord]]:
    return {name: await system.read_to_the_end(name) for name in TOPICS}


def ids_of(records: list[ConsumerRecord]) -> set[bytes | None]:
    return {dict(record.headers)["ce_id"] for record in records}


def sequences(published: Mapping[str, list[ConsumerRecord]]) -> list[tuple[bytes | None, int]]:
    """The results' event ids with their sequences, one for each record."""
    results = [record for source in SOURCES for record in published[events.results_topic(source)]]
    return sorted((dict(record.headers)["ce_id"], json.loads(record.value)["sequence"]) for record in results)
