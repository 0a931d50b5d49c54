"""The coherence auditor on the real database: silent over sound books, each check finds its incoherence."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from cli.monitoring.checks import CHECKS
from runtime.coherence import Auditor, Check, Found
from runtime.db import Connection, Database
from runtime.lease import Leases
from services.sender import store
from services.sender.store import Change, Ledger
from services.sender.submission import State
from tests.support.books import CONTEXT, found_in
from tests.support.flow import ref
from tests.support.waiting import until

READY, SENDING, SENT, ISSUED, COMPLETED, REJECTED, WAITING = (str(ref(n).document_id) for n in range(1, 8))


@dataclass(frozen=True)
class Broken:
    """Statements that make the books incoherent, and the ids concerned: themselves, or a query for them.

    ``{0}`` in a statement is the first of the ids.
    """

    statements: Sequence[str]
    concerned: Sequence[str] | str


BROKEN = {
    "intake/refused-and-accepted": Broken(
        ["update intake.identity set refused = false where refused"],
        "select document_id::text from intake.refusal",
    ),
    "validator/number-held-by-nobody": Broken(
        [
            "delete from validator.document where document_id = '{0}'",
            "update validator.fingerprint set changed_at = now() - interval '61 s' where document_id = '{0}'",
        ],
        [SENT],
    ),
    "validator/waits-for-a-known-fate": Broken(
        [
            "update validator.fingerprint set state = 'issued' where number = 'FV/1'",
            "update validator.document set decided_at = now() - interval '61 s' where document_id = '{0}'",
        ],
        [WAITING],
    ),
    "sender/unresolved-in-ended-session": Broken(
        [
            "update sender.session set state = 'final'",
            "update sender.submission set changed_at = now() - interval '61 s' where document_id = '{0}'",
        ],
        [SENDING],
    ),
    "sender/undecided-too-long": Broken(
        ["update sender.submission set changed_at = now() - interval '901 s' where state = 'sending'"],
        [SENDING],
    ),
    "sender/no-verdict": Broken(
        ["update sender.submission set changed_at = now() - interval '61 min' where state = 'sent'"],
        [SENT],
    ),
    "sender/no-receipt": Broken(
        ["update sender.submission set changed_at = now() - interval '25 h' where state = 'issued'"],
        [ISSUED],
    ),
    "sender/state-not-the-journals": Broken(
        ["update sender.submission set state = 'parked' where state in ('completed', 'rejected')"],
        [COMPLETED, REJECTED],
    ),
    "sender/ksef-number-held-twice": Broken(
        [
            """update sender.submission set ksef_number = (
                select ksef_number from sender.submission where state = 'issued')
            where state = 'completed'"""
        ],
        [ISSUED, COMPLETED],
    ),
    "sender/session-not-opened": Broken(
        ["update sender.session set state = 'opening', opened_at = now() - interval '16 min'"],
        "select session_id::text from sender.session",
    ),
    "sender/session-overdue": Broken(
        [
            """update sender.session
            set opened_at = now() - interval '13 h', valid_until = now() - interval '61 min'"""
        ],
        "select session_id::text from sender.session",
    ),
    "sender/ready-not-sent": Broken(
        [
            """update sender.context
            set lease_owner = null, lease_until = null, due_at = now() + interval '1 h'""",
            "update sender.submission set next_at = now() - interval '11 min' where state = 'ready'",
        ],
        [CONTEXT],
    ),
    "sender/due-not-taken": Broken(
        ["update sender.context set lease_until = now() - interval '6 min'"],
        [CONTEXT],
    ),
    "sender/work-forgotten": Broken(
        [
            "update sender.context set lease_owner = null, lease_until = null, due_at = 'infinity'",
            "update sender.submission set next_at = now() - interval '61 s' where state = 'sent'",
        ],
        [CONTEXT],
    ),
    "tracker/steps-numbered-wrongly": Broken(
        ["update tracker.document set sequence = sequence + 1 where document_id = '{0}'"],
        [COMPLETED],
    ),
    "tracker/state-not-the-newest": Broken(
        ["update tracker.document set state = 'sent' where document_id = '{0}'"],
        [COMPLETED],
    ),
    "tracker/pending-too-long": Broken(
        ["update tracker.document set updated_at = now() - interval '61 min' where document_id = '{0}'"],
        [SENT],
    ),
    "validator/outbox-old": Broken(
        [
            """insert into validator.outbox (topic, value, headers, created_at)
            values ('t', '', '[]', now() - interval '61 s')"""
        ],
        "select id::text from validator.outbox",
    ),
    "sender/outbox-old": Broken(
        [
            """insert into sender.outbox (topic, value, headers, created_at)
            values ('t', '', '[]', now() - interval '61 s')"""
        ],
        "select id::text from sender.outbox",
    ),
    "tracker/outbox-old": Broken(
        [
            """insert into tracker.outbox (topic, value, headers, created_at)
            values ('t', '', '[]', now() - interval '61 s')"""
        ],
        "select id::text from tracker.outbox",
    ),
}


def test_every_check_has_an_incoherence_here() -> None:
    assert set(BROKEN) == {
        f"{service}/{check.name}" for service, checks in CHECKS.items() for check in checks
    }


async def test_nothing_is_found_in_sound_books(books: Database) -> None:
    assert await found_in(books) == {}


@pytest.mark.parametrize("check", BROKEN)
async def test_an_incoherence_is_found_with_the_ids_it_concerns(books: Database, check: str) -> None:
    broken = BROKEN[check]
    concerned = broken.concerned
    if isinstance(concerned, str):
        await execute(books, broken.statements)
        concerned = [row[0] for row in await books.fetch(concerned)]
    else:
        await execute(books, [statement.replace("{0}", concerned[0]) for statement in broken.statements])

    assert await found_in(books) == {check: concerned}


async def execute(database: Database, statements: Sequence[str]) -> None:
    for statement in statements:
        await database.execute(statement)


async def test_a_step_that_only_asks_again_does_not_hide_how_long_it_takes(books: Database) -> None:
    await execute(
        books,
        [
            "update sender.submission set changed_at = now() - interval '61 min'",
            "update sender.context set lease_until = now() - interval '1 s'",
        ],
    )
    leases = Leases("sender.context", owner="test", seconds=30)
    (lease,) = await leases.take(books, limit=1)
    ledger = Ledger(books, leases)
    (sent,) = [item for item in (await ledger.look(lease, limit=9)).due if item.state is State.SENT]

    async with ledger.fenced(lease) as connection:
        await store.save(connection, [Change(sent, replace(sent, asked=1), due_in_seconds=60)])

    assert (await found_in(books))["sender/no-verdict"] == [SENT]


async def test_what_a_person_has_paused_is_not_reported_as_not_sent(books: Database) -> None:
    await execute(
        books,
        [
            *BROKEN["sender/ready-not-sent"].statements,
            "insert into sender.pause (scope, paused_by) values ('context:Nip:7010000117', 'op')",
        ],
    )

    assert await found_in(books) == {}


async def test_a_session_that_recovery_found_ended_long_ago_has_its_hour(books: Database) -> None:
    recovered = """
        insert into sender.session (session_id, context_key, fence, state, key_sealed, valid_until, recovered)
        values (gen_random_uuid(), 'Nip:7010000117', 1, 'closed', '', now() - interval '3 days', true)
    """
    await execute(books, [recovered])
    assert await found_in(books) == {}

    await execute(books, ["update sender.session set opened_at = now() - interval '61 min' where recovered"])
    assert list(await found_in(books)) == ["sender/session-overdue"]


async def test_a_recovery_that_nobody_will_do_is_found(books: Database) -> None:
    free = "update sender.context set lease_owner = null, lease_until = null, due_at = 'infinity'"
    await execute(books, [free + ", recover_since = now() - interval '1 day'"])

    assert await found_in(books) == {"sender/work-forgotten": [CONTEXT]}


TWO = Check(
    name="two-outbox-rows",
    sql="select id::text as id from tracker.outbox where created_at <= now() - make_interval(secs => $2)",
    grace_seconds=0,
    severity="critical",
    meaning="Something is wrong.",
    mend="Mend it.",
)
BROKEN_SQL = replace(
    TWO, name="broken", sql="select (1 / (id - id))::text as id from tracker.outbox where id > $2::float8"
)


async def add_rows(pool: Database, count: int) -> None:
    await pool.execute(
        "insert into tracker.outbox (topic, value, headers) "
        "select 't', '', '[]' from generate_series(1, $1::int)",
        count,
    )


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"service": "test", **labels})


async def test_a_finding_is_counted_with_five_ids_and_logged_once_per_change(pool: Database) -> None:
    auditor = Auditor("test", [TWO], interval_seconds=60)
    await add_rows(pool, 7)

    with capture_logs() as lines:
        await auditor.audit(pool)
        await auditor.audit(pool)
        counted = metric("ksef_incoherent", check="two-outbox-rows")
        await pool.execute("delete from tracker.outbox")
        await auditor.audit(pool)
        await auditor.audit(pool)

    found, gone = lines
    assert (found["event"], found["check"], found["rows"]) == ("incoherence_found", "two-outbox-rows", 7)
    assert found["ids"] == ["1", "2", "3", "4", "5"]
    assert (found["next_step"], found["log_level"]) == ("Mend it.", "error")
    assert (gone["event"], gone["check"]) == ("incoherence_gone", "two-outbox-rows")
    assert (counted, metric("ksef_incoherent", check="two-outbox-rows")) == (7, 0)


async def test_a_check_that_fails_hides_no_other_one_and_does_not_count_as_checked(pool: Database) -> None:
    await add_rows(pool, 2)

    audited = await Auditor("failing", [BROKEN_SQL, TWO], interval_seconds=60).audit(pool)

    assert audited == {"broken": None, "two-outbox-rows": Found(2, ("1", "2"))}
    labels = {"service": "failing"}
    assert math.isnan(REGISTRY.get_sample_value("ksef_incoherent", labels | {"check": "broken"}) or 0)
    assert REGISTRY.get_sample_value("ksef_coherence_checked_timestamp_seconds", labels) is None


async def test_one_process_of_a_service_audits_at_a_time(pool: Database) -> None:
    async with pool.transaction() as connection:
        await connection.execute("lock table tracker.outbox in access exclusive mode")
        first = asyncio.create_task(Auditor("test", [TWO], interval_seconds=60).audit(pool))
        await until(lambda: waits_for_the_table(connection))

        assert await Auditor("test", [TWO], interval_seconds=60).audit(pool) is None
        assert await Auditor("other", [], interval_seconds=60).audit(pool) == {}

    assert await first == {"two-outbox-rows": Found()}


async def waits_for_the_table(connection: Connection) -> bool:
    waiting = (
        "select exists (select from pg_locks where relation = 'tracker.outbox'::regclass and not granted)"
    )
    return bool(await connection.fetchval(waiting))
