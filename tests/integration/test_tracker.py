"""tracker on the real database: every step once, numbered, never turned back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from contracts.base import Message
from contracts.content import InlineContent, StoredContent
from contracts.envelope import Event
from contracts.results import DocumentResult
from contracts.sales import DocumentRef, DocumentStatus, Outcome, State
from runtime.db import Database, first_of_month
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from runtime.records import Done, Retry
from services.tracker import pending, store
from services.tracker.handlers import Tracker
from tests.support.flow import consumed, outbox_of, ref, told, tracing

LIFE = (State.ACCEPTED, State.MAPPED, State.ADMITTED, State.SENT, State.ISSUED)


@pytest.fixture
def tracker(pool: Database) -> Tracker:
    return Tracker(database=pool, payloads=PayloadStore(pool), outbox=Outbox("tracker"), tracing=tracing())


def results(events: Sequence[Event[Message]]) -> list[DocumentResult]:
    return [event.data for event in events if isinstance(event.data, DocumentResult)]


async def test_the_erp_is_told_every_step_with_its_number(tracker: Tracker, pool: Database) -> None:
    document = ref(1)
    await tracker([consumed(told(document, state)) for state in LIFE])

    told_ = results(await outbox_of(pool, "tracker"))
    assert [result.sequence for result in told_] == [1, 2, 3, 4, 5]
    assert [str(result.step) for result in told_] == [str(state) for state in LIFE]
    assert told_[-1].outcome is Outcome.ISSUED


async def test_repeats_are_dropped_within_a_batch_and_between_batches(
    tracker: Tracker, pool: Database
) -> None:
    batch = [consumed(told(ref_, State.ACCEPTED)) for ref_ in [ref(1)] * 2]
    await tracker(batch)

    await tracker(batch)

    assert len(results(await outbox_of(pool, "tracker"))) == 1


async def test_a_late_step_is_told_and_turns_nothing_back(tracker: Tracker, pool: Database) -> None:
    document = ref(1)
    await tracker([consumed(told(document, State.ISSUED, ksef_number="K-1"))])

    await tracker([consumed(told(document, State.SENT))])

    last = results(await outbox_of(pool, "tracker"))[-1]
    assert (last.step, last.state, last.sequence) == (State.SENT, State.ISSUED, 2)
    assert last.ksef_number == "K-1"


async def test_each_source_reads_its_own_topic(tracker: Tracker, pool: Database) -> None:
    await tracker([consumed(told(ref(1), State.ACCEPTED))])

    assert await pool.fetchval("select topic from tracker.outbox") == "erp.erp.results.v1"


async def test_a_receipt_reaches_the_erp_by_value(tracker: Tracker, pool: Database) -> None:
    document = ref(1)
    month = first_of_month(datetime.now(UTC).date())
    async with pool.transaction() as connection:
        (check,) = await PayloadStore(pool).put(connection, [(month, b"<Potwierdzenie/>")])
    event = told(document, State.COMPLETED)
    assert isinstance(event.data, DocumentStatus)
    with_receipt = event.data.model_copy(update={"upo": check})

    await tracker([consumed(_with(event, with_receipt))])

    (result,) = results(await outbox_of(pool, "tracker"))
    assert isinstance(result.upo, InlineContent)
    assert result.upo.to_bytes() == b"<Potwierdzenie/>"


async def test_a_document_is_found_by_any_of_its_names(tracker: Tracker, pool: Database) -> None:
    document = ref(1)
    await tracker([consumed(told(document, State.ISSUED, ksef_number="K-1"))])

    for name in (str(document.document_id), document.erp_document_id, "FV/1", "K-1"):
        (found,) = await store.find(pool, name)
        assert found.ref == document
    assert await store.find(pool, "unknown") == []


def _with(event: Event[Message], data: Message) -> Event[Message]:
    return Event(
        id=event.id, type=event.type, source=event.source, subject=event.subject, at=event.at, data=data
    )


async def test_documents_without_an_outcome_are_counted_by_where_they_stand(
    tracker: Tracker, pool: Database
) -> None:
    await tracker([consumed(told(ref(n), State.ACCEPTED)) for n in (1, 2, 3)])
    await tracker(
        [consumed(told(ref(3), State.ADMITTED)), consumed(told(ref(4), State.ISSUED, ksef_number="K-4"))]
    )
    await pool.execute(
        "update tracker.document set accepted_at = now() - interval '5 min' where document_id = $1",
        ref(2).document_id,
    )

    await pending.measure(pool)

    assert {
        state: shown("pending_documents", state) for state in ("accepted", "mapped", "admitted", "sent")
    } == {
        "accepted": 2,
        "mapped": 0,
        "admitted": 1,
        "sent": 0,
    }
    # The others are as old as this run.
    run_seconds = (datetime.now(UTC) - ref(1).accepted_at).total_seconds()
    assert 300 <= shown("oldest_pending_seconds", "accepted") < max(330, run_seconds + 1)
    assert shown("oldest_pending_seconds", "mapped") == 0


async def test_a_state_that_this_version_does_not_know_is_counted_as_unknown(
    tracker: Tracker, pool: Database
) -> None:
    await tracker([consumed(told(ref(1), State.ACCEPTED))])
    await pool.execute("update tracker.document set state = 'notarised'")

    await pending.measure(pool)

    assert shown("pending_documents", "unknown") == 1


def shown(name: str, state: str) -> float:
    value = REGISTRY.get_sample_value(f"ksef_tracker_{name}", {"state": state})
    assert value is not None
    return value


async def test_a_receipt_that_is_not_there_again_holds_its_partition_back_and_no_other(
    tracker: Tracker, pool: Database
) -> None:
    with_receipt = replace(consumed(completed(ref(1), at=datetime.now(UTC))), partition=3)
    behind = replace(consumed(told(ref(2), State.ACCEPTED)), partition=3)
    beside = replace(consumed(told(ref(3), State.ACCEPTED)), partition=4)

    first, second, third = await tracker([with_receipt, behind, beside])

    assert isinstance(first, Retry)
    assert (second, third) == (Done(), Done())
    assert await pool.fetchval("select array_agg(document_id) from tracker.document") == [ref(3).document_id]


async def test_a_receipt_that_is_gone_for_a_day_goes_by_reference(tracker: Tracker, pool: Database) -> None:
    (outcome,) = await tracker([consumed(completed(ref(1), at=datetime.now(UTC) - timedelta(days=2)))])

    (event,) = await outbox_of(pool, "tracker")
    assert outcome == Done()
    assert isinstance(event.data, DocumentResult)
    assert isinstance(event.data.upo, StoredContent)


def completed(document: DocumentRef, *, at: datetime) -> Event[Message]:
    """The status of a document whose receipt the payload store does not hold."""
    event = told(document, State.COMPLETED, ksef_number="K-1")
    assert isinstance(event.data, DocumentStatus)
    upo = StoredContent(
        sha256="ef" * 32, size_bytes=100, stored_on=document.accepted_at.date().replace(day=1)
    )
    return replace(event, at=at, data=event.data.model_copy(update={"upo": upo}))
