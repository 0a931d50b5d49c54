"""The books of all services after some documents have flowed: nothing in them contradicts anything else."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

from cli.monitoring.checks import CHECKS
from contracts.findings import Finding
from contracts.sales import State as Step
from runtime.coherence import Auditor
from runtime.db import Database
from runtime.lease import Lease, Leases
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from services.intake.handlers import Intake
from services.sender import store
from services.sender.handlers import TakingOver
from services.sender.store import Change, Ledger, Session, SessionState, Submission
from services.sender.submission import State
from services.tracker.handlers import Tracker
from services.validator.handlers import Validator
from tests.support.flow import AT, NIP, admitted, configured, consumed, mapped, record, ref, told, tracing

# A session is moved into the past: in the first hours of a month that is another partition.
_LAST_MONTH = """
    do $$ begin execute format(
        'create table sender.session_last_month partition of sender.session for values from (%L) to (%L)',
        date_trunc('month', now()) - interval '1 month', date_trunc('month', now()));
    end $$
"""

CONTEXT = f"Nip:{NIP}"
KSEF_NUMBER = "7010000117-20261102-AAAAAAAAAAAA-01"
READY, SENDING, SENT, ISSUED, COMPLETED, REJECTED, WAITING = range(1, 8)
"""The documents, by where they stand in the sender; the last one waits for the number of the first."""
_TOLD = (Step.ACCEPTED, Step.MAPPED, Step.ADMITTED)


async def found_in(database: Database) -> dict[str, list[str]]:
    """The ids that the checks of all services find now, by ``service/check``."""
    found = {}
    for service, checks in CHECKS.items():
        audited = await Auditor(service, checks, interval_seconds=60).audit(database)
        assert audited is not None
        for name, result in audited.items():
            assert result is not None, f"{service}/{name} could not be made"
            if result.rows:
                found[f"{service}/{name}"] = list(result.ids)
    return found


async def write_books(database: Database) -> None:
    """Let documents flow into every service's tables, each through the service's own code."""
    await database.execute(_LAST_MONTH)
    await _intake(database)
    await _validator(database)
    await _sender(database)
    await _tracker(database)
    for schema in ("validator", "sender", "tracker"):
        await database.execute(f"delete from {schema}.outbox")  # noqa: S608  as relayed


async def freshen(database: Database) -> None:
    """Books that were copied are as old as their original: let everything have happened just now."""
    for statement in (
        "update validator.fingerprint set changed_at = now()",
        "update validator.document set decided_at = now()",
        "update sender.submission set changed_at = now(), next_at = now()",
        "update sender.session set next_at = now()",
        "update sender.context set lease_until = now() + interval '1 h'",
        "update tracker.document set updated_at = now()",
    ):
        await database.execute(statement)


async def _intake(database: Database) -> None:
    handler = Intake(
        database=database,
        payloads=PayloadStore(database),
        config=configured(database),
        tracing=tracing(),
    )
    good = b'{"model": "invoice/1", "source": {"document_id": "A"}, "seller": {"nip": "7010000117"}}'
    await handler([record(good), record(b"not json", offset=1)])


async def _validator(database: Database) -> None:
    with ThreadPoolExecutor(max_workers=1) as executor:
        handler = Validator(
            database=database,
            payloads=PayloadStore(database),
            outbox=Outbox("validator"),
            config=configured(database),
            tracing=tracing(),
            check=_check,
            executor=executor,
            clock=lambda: AT,
        )
        numbers = {n: f"FV/{n}" for n in range(1, 7)} | {WAITING: "FV/1"}
        await handler([consumed(mapped(ref(n), xml=b"<x/>", number=number)) for n, number in numbers.items()])
        await handler([consumed(told(ref(n), Step.ISSUED, ksef_number=_number(n))) for n in (4, 5)])
        await handler([consumed(told(ref(REJECTED), Step.REJECTED))])


def _check(_xml: bytes, _now: object, _thorough: object) -> Sequence[Finding]:
    return ()


def _number(n: int) -> str:
    """The KSeF number of document ``n``."""
    return f"{KSEF_NUMBER}{n}"


async def _sender(database: Database) -> None:
    leases = Leases("sender.context", owner="test", seconds=30)
    ledger = Ledger(database, leases)
    taken_over = [consumed(admitted(ref(n), number=f"FV/{n}")) for n in range(SENDING, WAITING)]
    await TakingOver(database=database)(taken_over)
    (lease,) = await leases.take(database, limit=1)
    session = await ledger.begin_session(lease, session_id=uuid4(), key_sealed=b"sealed")
    session = await ledger.change_session(
        lease, session, to=SessionState.OPEN, event="session-opened", reference="SO-1"
    )
    await _send(ledger, lease, session)
    await TakingOver(database=database)([consumed(admitted(ref(READY), number="FV/1"))])


async def _send(ledger: Ledger, lease: Lease, session: Session) -> None:
    """Claim all, and take each to where its name says."""
    claimed = await ledger.claim(lease, session, limit=20)
    by_number = {item.document.document_id.int: item for item in claimed.submissions}
    for n in (SENT, ISSUED, COMPLETED, REJECTED):
        steps = [State.SENT, State.ISSUED, State.COMPLETED][: n - 2] if n != REJECTED else None
        item = by_number[n]
        for state in steps or [State.SENT, State.REJECTED]:
            item = await _step(ledger, lease, item, state, n)


async def _step(ledger: Ledger, lease: Lease, before: Submission, state: State, n: int) -> Submission:
    number = _number(n) if state in (State.ISSUED, State.COMPLETED) else None
    after = replace(before, state=state, ksef_number=number)
    event = "receipt-stored" if state is State.COMPLETED else str(state)
    async with ledger.fenced(lease) as connection:
        await store.save(connection, [Change(before, after)])
        await store.journal(connection, lease, [store.entry_for(event, after)])
    return after


async def _tracker(database: Database) -> None:
    handler = Tracker(
        database=database, payloads=PayloadStore(database), outbox=Outbox("tracker"), tracing=tracing()
    )
    events = [told(ref(n), step) for n in range(1, 7) for step in _TOLD]
    events += [told(ref(WAITING), step) for step in (Step.ACCEPTED, Step.MAPPED, Step.WAITING)]
    events += [told(ref(n), Step.SENT) for n in (SENT, REJECTED)]
    # Late: it is told, and turns nothing back.
    for n in (ISSUED, COMPLETED):
        events += [told(ref(n), Step.ISSUED, ksef_number=_number(n)), told(ref(n), Step.SENT)]
    events += [told(ref(COMPLETED), Step.COMPLETED), told(ref(REJECTED), Step.REJECTED)]
    await handler([consumed(event) for event in events])
