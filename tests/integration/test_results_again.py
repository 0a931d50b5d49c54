"""An ERP that lost what it had read is told again: the same records, byte for byte."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.base import Message
from contracts.envelope import Event
from contracts.findings import Finding
from contracts.sales import DocumentStatus, KsefProgress, Origin, State
from runtime import acts
from runtime.db import Database, first_of_month
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from services.tracker.handlers import Tracker
from tests.support import commands
from tests.support.flow import consumed, ref, told, tracing

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SINCE = "2026-01-01T00:00:00Z"
Record = tuple[str, str, bytes, str]


@pytest.fixture
def tracker(pool: Database) -> Tracker:
    return Tracker(database=pool, payloads=PayloadStore(pool), outbox=Outbox("tracker"), tracing=tracing())


@pytest.fixture
def environ(database: str) -> dict[str, str]:
    return {
        "KSEF_ENVIRONMENT": "test",
        "KSEF_KAFKA__BOOTSTRAP_SERVERS": "localhost:1",
        "KSEF_POSTGRES__DSN": database,
    }


async def taken(pool: Database) -> list[Record]:
    """What the relay would publish now, in order; the outbox is empty after it."""
    rows = await pool.fetch("select topic, key, value, headers from tracker.outbox order by id")
    await pool.execute("delete from tracker.outbox")
    return [(row["topic"], row["key"].decode(), row["value"], row["headers"]) for row in rows]


async def lived(tracker: Tracker, pool: Database, number: int) -> None:
    """A document's life with all that a result can carry, and a late step."""
    document = ref(number)
    month = first_of_month(datetime.now(UTC).date())
    async with pool.transaction() as connection:
        (receipt,) = await PayloadStore(pool).put(
            connection, [(month, "<Potwierdzenie>ż</Potwierdzenie>".encode())]
        )
    warning = Finding(
        code="K07", severity="warning", text="odd", text_pl="dziwne", value="ż" * 300, allowed=("a", "b")
    )
    progress = KsefProgress(
        ksef_number="K-1",
        acquired_at=datetime.fromisoformat("2026-11-02T10:00:00.120+01:00"),
        status_code=200,
    )
    for event in (
        _with(
            told(document, State.ACCEPTED, stage="intake"),
            origin=Origin(topic="erp.erp.sales.v1", partition=1, offset=7, place="document 3"),
        ),
        _with(told(document, State.ADMITTED, stage="validator"), findings=(warning,)),
        _with(told(document, State.WAITING, stage="validator"), waits_for=UUID(int=9)),
        _with(told(document, State.ISSUED), ksef=progress),
        told(document, State.SENT),
        _with(told(document, State.COMPLETED), upo=receipt),
        told(document, State.COMPLETED, stage="tomorrow"),
    ):
        await tracker([consumed(event)])


async def test_results_are_published_again_byte_for_byte(
    tracker: Tracker, pool: Database, environ: Mapping[str, str]
) -> None:
    await lived(tracker, pool, 1)
    await lived(tracker, pool, 2)
    first = await taken(pool)

    ended = await commands.run(
        environ, "results", "replay", "--source", "erp", "--since", SINCE, "--yes", "--reason", "offsets lost"
    )

    assert ended.code == 0, ended.err
    assert "14 results of 2 documents given to the tracker" in ended.out
    assert await taken(pool) == first
    assert len(first) == 14
    assert b"Potwierdzenie" in first[5][2]


async def test_results_of_another_company_by_the_same_id_keep_their_company(
    tracker: Tracker, pool: Database, environ: Mapping[str, str]
) -> None:
    document = ref(1)
    other = document.model_copy(update={"company_nip": None})
    await tracker([consumed(told(document, State.ACCEPTED))])
    await tracker([consumed(told(other, State.REVISION_REUSED))])
    first = await taken(pool)

    await commands.run(
        environ, "results", "replay", "--source", "erp", "--since", SINCE, "--yes", "--reason", "test"
    )

    assert await taken(pool) == first


async def test_without_yes_nothing_is_published(
    tracker: Tracker, pool: Database, environ: Mapping[str, str]
) -> None:
    await lived(tracker, pool, 1)
    await taken(pool)

    ended = await commands.run(environ, "results", "replay", "--source", "erp", "--since", SINCE)

    assert ended.code == 0
    assert "would publish again: 7 results of document 00000000-0000-0000-0000-000000000001" in ended.out
    assert "7 results of 1 documents: --yes with --reason does it" in ended.out
    assert await taken(pool) == []
    assert await acts.latest(pool, what="results-replayed", limit=1) == []


async def test_who_replayed_what_and_why_is_kept(
    tracker: Tracker, pool: Database, environ: Mapping[str, str]
) -> None:
    await lived(tracker, pool, 1)

    await commands.run(
        environ,
        *("results", "replay", "--source", "erp", "--since", SINCE),
        *("--yes", "--reason", "offsets lost", "--as", "anna"),
    )

    (act,) = await acts.latest(pool, what="results-replayed", limit=10)
    assert (act.who, act.about, act.reason) == ("anna", "erp.erp.results.v1", "offsets lost")
    assert act.detail["results"] == {"00000000-0000-0000-0000-000000000001": 7}


async def test_a_replay_without_a_reason_is_refused(environ: Mapping[str, str]) -> None:
    ended = await commands.run(environ, "results", "replay", "--source", "erp", "--since", SINCE, "--yes")

    assert ended.code == 2
    assert "say why with --reason" in ended.err


@pytest.mark.parametrize(
    ("filters", "documents"),
    [
        (("--since", "2100-01-01T00:00:00Z"), 0),
        (("--since", SINCE, "--until", SINCE), 0),
        (("--since", SINCE, "--document", "2"), 1),
        (("--since", SINCE, "--document", "00000000-0000-0000-0000-000000000001"), 1),
        (("--since", SINCE, "--document", "K-1"), 2),
        (("--since", SINCE, "--document", "K-2"), 0),
    ],
)
async def test_only_wanted_results_are_published(
    tracker: Tracker, pool: Database, environ: Mapping[str, str], filters: tuple[str, ...], documents: int
) -> None:
    await lived(tracker, pool, 1)
    await lived(tracker, pool, 2)

    ended = await commands.run(environ, "results", "replay", "--source", "erp", *filters)
    strangers = await commands.run(environ, "results", "replay", "--source", "other", *filters)

    assert f"{7 * documents} results of {documents} documents" in ended.out
    assert "0 results of 0 documents" in strangers.out


async def test_a_window_that_begins_within_a_life_keeps_the_sequence(
    tracker: Tracker, pool: Database, environ: Mapping[str, str]
) -> None:
    await lived(tracker, pool, 1)
    await taken(pool)
    recorded = await pool.fetch("select recorded_at from tracker.event order by sequence")
    between = recorded[3]["recorded_at"], recorded[5]["recorded_at"]

    await commands.run(
        environ,
        *("results", "replay", "--source", "erp", "--yes", "--reason", "test"),
        *("--since", between[0].isoformat(), "--until", between[1].isoformat()),
    )

    again = [json.loads(value) for _, _, value, _ in await taken(pool)]
    assert [(one["sequence"], one["step"], one["state"]) for one in again] == [
        (4, "issued", "issued"),
        (5, "sent", "issued"),
    ]


async def test_no_more_than_the_rate_is_published(
    tracker: Tracker, pool: Database, environ: Mapping[str, str]
) -> None:
    await lived(tracker, pool, 1)
    await lived(tracker, pool, 2)
    await taken(pool)

    await commands.run(
        environ,
        *("results", "replay", "--source", "erp", "--since", SINCE),
        *("--yes", "--reason", "test", "--rate", "35"),
    )

    written = await pool.fetch("select distinct created_at from tracker.outbox order by created_at")
    assert len(written) == 2
    assert written[1]["created_at"] - written[0]["created_at"] >= timedelta(seconds=0.19)


def _with(event: Event[Message], **more: Any) -> Event[Message]:
    assert isinstance(event.data, DocumentStatus)
    return Event(
        id=event.id,
        type=event.type,
        source=event.source,
        subject=event.subject,
        at=event.at,
        data=event.data.model_copy(update=more),
        traceparent=TRACE,
    )
