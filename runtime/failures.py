"""What can go wrong, and what happens then: the one table, for whoever catches an error.

Stages, loops and due work ask :func:`failure_of` and do what :data:`TABLE` says; none judges by itself.
Invariant: an outage is never a dead letter, and what nobody understands is never waited for without end.

docs/architecture/failures.md shows this table; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import asyncpg
from aiokafka.errors import KafkaConnectionError, KafkaError

from contracts.envelope import NewerMajor, Undecodable
from runtime.errors import (
    ConfigurationError,
    InDoubt,
    LeaseLost,
    OperatorNeeded,
    RecordTooLarge,
    TooSlow,
    Transient,
)


class Failure(StrEnum):
    """The classes; their meaning is in :data:`TABLE`."""

    POISON = "poison"
    REFUSAL = "business-refusal"
    TRANSIENT = "transient"
    UNKNOWN = "unknown-outcome"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Treatment:
    """One row: what a stage, due work and a loop do about it, and the errors that are of this class.

    Errors are classes; subclasses follow them unless they stand in a row of their own.
    """

    meaning: str
    in_stage: str
    in_due_work: str
    in_loop: str
    errors: tuple[type[BaseException], ...] = ()


TABLE: Mapping[Failure, Treatment] = {
    Failure.POISON: Treatment(
        meaning="one record can never be processed; also an error that nobody foresaw",
        in_stage="unreadable: dead letter at once; otherwise the batch is taken record by record, and what "
        "fails alone three times is a dead letter",
        in_due_work="the key again after a pause that grows, error in the log",
        in_loop="the process ends",
        errors=(Undecodable, RecordTooLarge, TooSlow, Exception),
    ),
    Failure.REFUSAL: Treatment(
        meaning="the document is wrong and its ERP can mend it; a value, not an error",
        in_stage="status `refused` with findings, and on",
        in_due_work="status `rejected` with findings, and on",
        in_loop="does not occur",
    ),
    Failure.TRANSIENT: Treatment(
        meaning="the outside is away, full, or chose us as a deadlock's victim: waiting mends it",
        in_stage="the batch is given back, the stage pauses, longer each time, up to 30 s",
        in_due_work="the key again after a pause that grows",
        in_loop="again after a pause that grows",
        errors=(
            Transient,
            OSError,
            TimeoutError,
            KafkaConnectionError,
            asyncpg.PostgresConnectionError,
            asyncpg.InsufficientResourcesError,
            asyncpg.OperatorInterventionError,
            asyncpg.TransactionRollbackError,
            asyncpg.PostgresSystemError,
            asyncpg.LockNotAvailableError,
            asyncpg.ReadOnlySQLTransactionError,
            asyncpg.IdleInTransactionSessionTimeoutError,
            # After a migration, once per connection and statement: the driver prepares it again.
            asyncpg.InvalidCachedStatementError,
            asyncpg.InternalClientError,
            asyncpg.InterfaceError,
        ),
    ),
    Failure.UNKNOWN: Treatment(
        meaning="it may have happened or not",
        in_stage="nothing is settled, the process ends; the next one reads again from the committed offsets",
        in_due_work="the lease runs out, its next owner looks up what happened before it acts; a client in "
        "doubt ends the process",
        in_loop="the process ends",
        errors=(InDoubt, LeaseLost),
    ),
    Failure.HUMAN: Treatment(
        meaning="nothing will get better before a person, or a newer version, acts",
        in_stage="alarm; the batch is given back and the stage pauses; an event of a newer major version "
        "pauses its partition only",
        in_due_work="alarm; the key is left alone for 60 s at a time",
        in_loop="the process ends; with exit code 78 it is not started again",
        errors=(OperatorNeeded, ConfigurationError, NewerMajor, KafkaError),
    ),
}

_CLASSES = {error: failure for failure, row in TABLE.items() for error in row.errors}


def failure_of(error: BaseException) -> Failure:
    """The class of an error: that of its nearest ancestor in the table."""
    if isinstance(error, KafkaError) and error.retriable:
        return Failure.TRANSIENT
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        # Not a closed connection: an argument that cannot be encoded.
        return Failure.POISON
    return next(
        (_CLASSES[ancestor] for ancestor in type(error).__mro__ if ancestor in _CLASSES), Failure.POISON
    )


def is_transient(error: BaseException) -> bool:
    """Whether waiting can help."""
    return failure_of(error) is Failure.TRANSIENT
