"""The classes of failure: which error is of which, and that the page shows the table as it is."""

import itertools
import re
from pathlib import Path

import asyncpg
import pytest
from aiokafka import errors as kafka

from contracts.envelope import NewerMajor, Undecodable
from runtime.errors import (
    ConfigurationError,
    ConsumerBroken,
    LeaseLost,
    NoProgress,
    OperatorNeeded,
    ProducerStuck,
    RecordTooLarge,
    TooManyDeadLetters,
    TooSlow,
    Transient,
)
from runtime.failures import TABLE, Failure, failure_of, is_transient
from runtime.process import (
    EXIT_CONFIGURATION,
    EXIT_DEAD_LETTERS,
    EXIT_FAILED,
    EXIT_IN_DOUBT,
    exit_code,
)
from runtime.records import DeadLetter, Retry, unread

TESTS = Path(__file__).parents[2]
PAGE = TESTS.parent / "docs" / "architecture" / "failures.md"
_TEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)
_NAMED = re.compile(r"`(test_\w+)`")

OUTAGES = [
    Transient("away"),
    OSError("no route"),
    ConnectionResetError(),
    TimeoutError(),
    kafka.KafkaConnectionError(),
    kafka.NotEnoughReplicasError(),
    kafka.UnknownTopicOrPartitionError(),
    asyncpg.ConnectionDoesNotExistError(""),
    asyncpg.CannotConnectNowError(""),
    asyncpg.TooManyConnectionsError(""),
    asyncpg.DiskFullError(""),
    asyncpg.OutOfMemoryError(""),
    asyncpg.AdminShutdownError(""),
    asyncpg.QueryCanceledError(""),
    asyncpg.DeadlockDetectedError(""),
    asyncpg.SerializationError(""),
    asyncpg.LockNotAvailableError(""),
    asyncpg.ReadOnlySQLTransactionError(""),
    asyncpg.IdleInTransactionSessionTimeoutError(""),
    asyncpg.PostgresIOError(""),
    asyncpg.InvalidCachedStatementError(""),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.exceptions.ProtocolError("out of step"),
]
CLASSES = [
    (OperatorNeeded("a person"), Failure.HUMAN),
    (ConfigurationError("wrong"), Failure.HUMAN),
    (NewerMajor("v2"), Failure.HUMAN),
    (kafka.TopicAuthorizationFailedError(), Failure.HUMAN),
    (kafka.MessageSizeTooLargeError(), Failure.HUMAN),
    (LeaseLost("gone"), Failure.UNKNOWN),
    (ProducerStuck("no answer"), Failure.UNKNOWN),
    (ConsumerBroken("no more"), Failure.UNKNOWN),
    (NoProgress("stuck"), Failure.UNKNOWN),
    (TooManyDeadLetters("101"), Failure.UNKNOWN),
    (Undecodable("no event"), Failure.POISON),
    (RecordTooLarge("3 MB"), Failure.POISON),
    (TooSlow("60 s"), Failure.POISON),
    (LookupError("a bug"), Failure.POISON),
    (OverflowError("a time outside the calendar"), Failure.POISON),
    (asyncpg.UniqueViolationError(""), Failure.POISON),
    (asyncpg.InvalidTextRepresentationError(""), Failure.POISON),
    (asyncpg.UndefinedTableError(""), Failure.POISON),
    (asyncpg.CharacterNotInRepertoireError(""), Failure.POISON),
    (asyncpg.exceptions._base.DataError("invalid input for query argument $1"), Failure.POISON),
]


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
def test_an_outage_is_waited_out(error: Exception) -> None:
    assert failure_of(error) is Failure.TRANSIENT
    assert is_transient(error)


@pytest.mark.parametrize(("error", "failure"), CLASSES, ids=lambda value: type(value).__name__)
def test_what_waiting_cannot_mend_has_a_class_of_its_own(error: Exception, failure: Failure) -> None:
    assert failure_of(error) is failure
    assert not is_transient(error)


def test_no_error_stands_in_two_rows() -> None:
    errors = [error for row in TABLE.values() for error in row.errors]

    assert len(errors) == len(set(errors))


def test_a_record_of_a_newer_major_version_waits_and_any_other_that_cannot_be_read_is_a_dead_letter() -> None:
    assert unread(Undecodable("no ce_type header")) == DeadLetter("undecodable", "no ce_type header")
    assert unread(NewerMajor("x.v2")) == Retry(30.0, "x.v2", Failure.HUMAN)


# The page


def rows_below(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of the page, without its head."""
    _, _, below = PAGE.read_text("utf-8").partition(f"\n{heading}\n")
    lines = itertools.takewhile(
        lambda line: line.startswith("|"),
        itertools.dropwhile(lambda line: not line.startswith("|"), below.splitlines()),
    )
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in list(lines)[2:]]


def test_the_page_shows_the_table_as_it_is() -> None:
    assert rows_below("## Classes of failure") == [
        [
            f"**{failure}**: {row.meaning}",
            row.in_stage,
            row.in_due_work,
            row.in_loop,
            ", ".join(f"`{error.__name__}`" for error in row.errors) or "–",
        ]
        for failure, row in TABLE.items()
    ]


def test_the_page_shows_the_exit_codes_as_they_are() -> None:
    codes = {0, EXIT_FAILED, EXIT_DEAD_LETTERS, EXIT_IN_DOUBT, EXIT_CONFIGURATION}

    shown = [code for code, _, _ in rows_below("## How a worker ends")]
    assert shown == [str(code) for code in sorted(codes)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TooManyDeadLetters("101"), 65),
        (ProducerStuck("no answer"), 75),
        (NoProgress("stuck"), 75),
        (ConfigurationError("wrong"), 78),
        (LookupError("a bug"), 1),
    ],
)
def test_the_exit_code_says_why_a_worker_ended(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def missing_tests(rows: list[list[str]]) -> list[str]:
    """What the second column names that is no test of ours."""
    there = {name for path in TESTS.rglob("test_*.py") for name in _TEST.findall(path.read_text("utf-8"))}
    named = [name for _, tests in rows for name in _NAMED.findall(tests)]
    return [name for name in named if name not in there]


def test_every_trap_on_the_page_has_a_test_that_exists() -> None:
    rows = rows_below("## Traps")

    assert len(rows) > 30
    assert [trap for trap, test in rows if not _NAMED.fullmatch(test)] == []
    assert missing_tests(rows) == []


def test_a_test_that_does_not_exist_is_found() -> None:
    assert missing_tests([["a trap", "`test_that_nobody_wrote`"]]) == ["test_that_nobody_wrote"]
