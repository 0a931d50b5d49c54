"""Reading what was seen: KSeF's acceptance log, and the sender's journal as the claim to be checked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cli.local_system import Simulator
from runtime.db import connect
from runtime.settings import PostgresSettings
from tests.chaos.history import Accepted, JournalEntry, Received

_JOURNAL = """
    select document_id, extract(epoch from at)::float8 as at, event, attempt from sender.journal
    where document_id is not null order by entry_id
"""
_SESSION_EVENTS = "select event, count(*) from sender.journal where document_id is null group by event"
_HASHES = "select document_id, invoice_hash from sender.submission"


def received(simulator: Simulator) -> tuple[Received, ...]:
    return tuple(
        Received(_seconds(entry["at"]), entry["hash"], entry["verdict"])
        for entry in simulator.log("received")
    )


def accepted(simulator: Simulator) -> tuple[Accepted, ...]:
    return tuple(
        Accepted(entry["seller_nip"], entry["number"], entry["hash"], entry["ksef_number"])
        for entry in simulator.accepted()
    )


async def journal(settings: PostgresSettings) -> tuple[JournalEntry, ...]:
    rows = await _fetch(settings, _JOURNAL)
    return tuple(JournalEntry(row["document_id"], row["at"], row["event"], row["attempt"]) for row in rows)


async def session_events(settings: PostgresSettings) -> dict[str, int]:
    """How often the journal has each event about a session."""
    return {row["event"]: row["count"] for row in await _fetch(settings, _SESSION_EVENTS)}


async def hashes(settings: PostgresSettings) -> dict[UUID, str]:
    """Which bytes the sender sends for each document."""
    return {row["document_id"]: row["invoice_hash"] for row in await _fetch(settings, _HASHES)}


async def postgres_version(settings: PostgresSettings) -> str:
    (row,) = await _fetch(settings, "select current_setting('server_version') as version")
    return str(row["version"])


async def _fetch(settings: PostgresSettings, statement: str) -> Sequence[Mapping[str, Any]]:
    connection = await connect(settings)
    try:
        rows: Sequence[Mapping[str, Any]] = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
