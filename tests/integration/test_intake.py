"""intake on the real database: what it remembers, keeps and answers."""

from datetime import timedelta

import pytest

from contracts.events import ACCEPTED, STATUS
from contracts.sales import DocumentAccepted, DocumentStatus, State
from runtime.db import Database
from runtime.payload import PayloadStore
from runtime.records import Done, Retry
from services.intake.handlers import Intake
from tests.support.flow import AT, configured, published, record, tracing
from tests.support.system import invoice

INVOICE = invoice("FV/1")
FOREIGN = invoice("FV/2", nip="7020000225")


@pytest.fixture
def intake(pool: Database) -> Intake:
    return Intake(database=pool, payloads=PayloadStore(pool), config=configured(pool), tracing=tracing())


async def test_a_document_is_stored_before_it_is_answered_for(intake: Intake, pool: Database) -> None:
    events = published(await intake([record(INVOICE)]))

    accepted, status = (event.data for event in events)
    assert isinstance(accepted, DocumentAccepted)
    assert isinstance(status, DocumentStatus)
    assert status.state is State.ACCEPTED
    assert accepted.content.sha256 == (await _stored(pool))[0]


async def test_asking_again_gives_the_same_events(intake: Intake) -> None:
    first = published(await intake([record(INVOICE)]))

    again = published(await intake([record(INVOICE, offset=7, at=AT + timedelta(hours=1))]))

    assert [event.id for event in again] == [event.id for event in first]
    assert again[0].data == first[0].data.model_copy(update={"origin": again[0].data.origin})


async def test_the_first_records_time_counts_for_ever(intake: Intake) -> None:
    await intake([record(INVOICE)])

    (accepted, _) = published(await intake([record(INVOICE, at=AT + timedelta(days=3))]))

    assert isinstance(accepted.data, DocumentAccepted)
    assert accepted.data.created_at == AT


async def test_other_bytes_under_the_same_revision_are_refused_with_both_hashes(
    intake: Intake, pool: Database
) -> None:
    await intake([record(INVOICE)])

    (event,) = published(await intake([record(invoice("FV/1", price="9.00"))]))

    assert isinstance(event.data, DocumentStatus)
    assert event.data.state is State.REVISION_REUSED
    kept = await _stored(pool)
    assert all(hash_ in event.data.findings[0].text for hash_ in kept)
    assert len(kept) == 2


async def test_a_refused_document_is_kept_and_refused_again_in_the_same_words(
    intake: Intake, pool: Database
) -> None:
    first = published(await intake([record(FOREIGN)]))

    again = published(await intake([record(FOREIGN)]))

    assert [event.type for event in first] == [STATUS]
    assert first[0].data == again[0].data
    assert first[0].id == again[0].id
    assert len(await _stored(pool)) == 1
    assert await pool.fetchval("select count(*) from intake.refusal") == 1


async def test_an_answer_once_given_stays_when_the_configuration_changes(
    intake: Intake, pool: Database
) -> None:
    await intake([record(FOREIGN)])
    config = configured(pool)
    erp = config.current.sources["erp"]
    allowed = {"erp": erp.model_copy(update={"companies": ("7020000225",)})}
    config.current = type(config.current)(version=0, sources=allowed, companies={})
    later = Intake(database=pool, payloads=PayloadStore(pool), config=config, tracing=tracing())

    (event,) = published(await later([record(FOREIGN)]))

    assert isinstance(event.data, DocumentStatus)
    assert event.data.state is State.REFUSED


async def test_a_document_of_an_unknown_source_is_held_not_refused(intake: Intake) -> None:
    outcomes = await intake([record(INVOICE), record(INVOICE, topic="erp.stranger.sales.v1")])

    assert isinstance(outcomes[0], Done)
    assert isinstance(outcomes[1], Retry)


async def test_one_record_with_many_documents_is_answered_for_each(intake: Intake) -> None:
    raw = b"[" + b",".join([INVOICE, FOREIGN, b'"no document"']) + b"]"

    events = published(await intake([record(raw)]))

    assert [event.type for event in events] == [ACCEPTED, STATUS, STATUS, STATUS]
    places = [event.data.origin.place for event in events if isinstance(event.data, DocumentStatus)]
    assert places == ["document 1", "document 2", "document 3"]


async def test_the_same_document_twice_in_a_batch_is_one_document(intake: Intake, pool: Database) -> None:
    events = published(await intake([record(INVOICE), record(INVOICE, offset=1)]))

    assert len({event.id for event in events}) == 2
    assert await pool.fetchval("select count(*) from intake.identity") == 1


async def test_text_that_cannot_be_stored_is_refused_like_any_other(intake: Intake) -> None:
    raw = b'{"model": "invoice/1", "seller": {"nip": "\\u0000\\u0001"}}'

    (event,) = published(await intake([record(raw)]))

    assert isinstance(event.data, DocumentStatus)
    assert [finding.code for finding in event.data.findings] == ["I07"]


async def _stored(pool: Database) -> list[str]:
    rows = await pool.fetch("select encode(sha256, 'hex') as hash from payload.object")
    return [row["hash"] for row in rows]
