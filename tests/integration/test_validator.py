"""validator on the real database: one number, one holder, one verdict."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.base import Message
from contracts.envelope import Event
from contracts.events import ADMITTED, STATUS
from contracts.findings import Finding
from contracts.sales import DocumentAdmitted, DocumentStatus, State
from runtime.db import Database
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from runtime.records import DeadLetter, Done
from services.validator.handlers import Validator
from tests.support.flow import AT, configured, consumed, mapped, outbox_of, record, ref, told, tracing

SAME, OTHER, BROKEN = b"<same/>", b"<other/>", b"<broken/>"


def check(xml: bytes, _now: object, _thorough: object) -> Sequence[Finding]:
    return (Finding(code="K04", text="wrong"),) if xml == BROKEN else ()


@pytest.fixture
async def validator(pool: Database) -> AsyncIterator[Validator]:
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield Validator(
            database=pool,
            payloads=PayloadStore(pool),
            outbox=Outbox("validator"),
            config=configured(pool),
            tracing=tracing(),
            check=check,
            executor=executor,
            clock=lambda: AT,
        )


def steps(events: Sequence[Event[Message]]) -> list[tuple[int, str]]:
    """(document, state) of the status events, in order."""
    return [
        (event.subject.int, str(event.data.state))
        for event in events
        if isinstance(event.data, DocumentStatus)
    ]


async def test_a_valid_invoice_with_a_free_number_is_admitted_with_its_bytes_stored(
    validator: Validator, pool: Database
) -> None:
    await validator([consumed(mapped(ref(1), xml=SAME))])

    events = await outbox_of(pool, "validator")
    assert [event.type for event in events] == [ADMITTED, STATUS]
    admitted = events[0].data
    assert isinstance(admitted, DocumentAdmitted)
    assert await PayloadStore(pool).read(admitted.xml) == SAME


async def test_a_second_time_changes_nothing(validator: Validator, pool: Database) -> None:
    batch = [consumed(mapped(ref(1), xml=SAME))]
    await validator(batch)
    before = await _everything(pool)

    await validator(batch + batch)

    assert await _everything(pool) == before


async def test_an_invalid_invoice_is_refused_and_reserves_nothing(
    validator: Validator, pool: Database
) -> None:
    await validator([consumed(mapped(ref(1), xml=BROKEN)), consumed(mapped(ref(2), xml=SAME))])

    assert steps(await outbox_of(pool, "validator")) == [(1, "refused"), (2, "admitted")]


async def test_a_newcomer_waits_for_the_holders_fate(validator: Validator, pool: Database) -> None:
    await validator([consumed(mapped(ref(1), xml=SAME)), consumed(mapped(ref(2), xml=OTHER))])

    events = await outbox_of(pool, "validator")
    assert steps(events) == [(1, "admitted"), (2, "waiting")]
    last = events[-1].data
    assert isinstance(last, DocumentStatus)
    assert last.waits_for == ref(1).document_id


async def test_when_the_holder_is_issued_those_who_waited_are_refused(
    validator: Validator, pool: Database
) -> None:
    await validator([consumed(mapped(ref(n), xml=xml)) for n, xml in ((1, SAME), (2, OTHER), (3, SAME))])

    await validator([consumed(told(ref(1), State.ISSUED, ksef_number="K-1"))])

    events = await outbox_of(pool, "validator")
    assert steps(events)[3:] == [(2, "refused"), (3, "refused")]
    assert _codes(events[-2:]) == ["D02", "D01"]


async def test_when_the_holder_is_rejected_the_first_who_waited_is_admitted(
    validator: Validator, pool: Database
) -> None:
    await validator([consumed(mapped(ref(n), xml=OTHER)) for n in (1, 2, 3)])

    await validator([consumed(told(ref(1), State.REJECTED))])

    events = await outbox_of(pool, "validator")
    assert steps(events)[3:] == [(2, "admitted"), (3, "waiting")]
    assert await PayloadStore(pool).read(_admitted(events, 2).xml) == OTHER


async def test_a_fate_that_is_told_twice_counts_once(validator: Validator, pool: Database) -> None:
    await validator([consumed(mapped(ref(n), xml=OTHER)) for n in (1, 2, 3)])
    await validator([consumed(told(ref(1), State.REJECTED))])
    before = await _everything(pool)

    await validator([consumed(told(ref(1), State.REJECTED))])

    assert await _everything(pool) == before


async def test_a_rejected_document_that_comes_again_does_not_take_its_number_back(
    validator: Validator, pool: Database
) -> None:
    await validator([consumed(mapped(ref(1), xml=SAME))])
    await validator([consumed(told(ref(1), State.REJECTED))])

    await validator([consumed(mapped(ref(1), xml=SAME))])
    await validator([consumed(mapped(ref(2), xml=OTHER))])

    assert steps(await outbox_of(pool, "validator")) == [(1, "admitted"), (2, "admitted")]


async def test_a_document_that_the_mapper_refused_is_never_admitted_later(
    validator: Validator, pool: Database
) -> None:
    document = ref(1)
    await validator([consumed(told(document, State.REFUSED, stage="mapper"))])

    await validator([consumed(mapped(document, xml=SAME))])

    assert await outbox_of(pool, "validator") == []


async def test_rivals_in_two_processes_end_with_one_holder(validator: Validator, pool: Database) -> None:
    rivals = [
        [consumed(mapped(ref(10 * n + m), xml=b"<%d/>" % n, number=f"FV/{m}")) for m in range(9)]
        for n in range(1, 5)
    ]

    await asyncio.gather(*(validator(batch) for batch in rivals))

    events = await outbox_of(pool, "validator")
    assert [event.type for event in events].count(ADMITTED) == 9
    assert [state for _, state in steps(events)].count("waiting") == 27


async def test_a_record_that_is_no_event_costs_the_others_nothing(
    validator: Validator, pool: Database
) -> None:
    outcomes = await validator([record(b"?"), consumed(mapped(ref(1), xml=SAME))])

    assert isinstance(outcomes[0], DeadLetter)
    assert outcomes[1] == Done()
    assert len(await outbox_of(pool, "validator")) == 2


def _admitted(events: Sequence[Event[Message]], number: int) -> DocumentAdmitted:
    (found,) = (
        event.data
        for event in events
        if isinstance(event.data, DocumentAdmitted) and event.subject.int == number
    )
    return found


def _codes(events: Sequence[Event[Message]]) -> list[str]:
    return [event.data.findings[0].code for event in events if isinstance(event.data, DocumentStatus)]


async def _everything(pool: Database) -> dict[str, list[object]]:
    tables = ("validator.document", "validator.fingerprint", "validator.outbox", "payload.object")
    return {table: await pool.fetch(f"select * from {table} order by 1, 2, 3") for table in tables}  # noqa: S608
