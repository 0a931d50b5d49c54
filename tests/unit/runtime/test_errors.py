"""Which errors are waited out: an outage is, what a record or a bug causes is not."""

import asyncpg
import pytest
from aiokafka import errors as kafka

from runtime.errors import ConfigurationError, LeaseLost, OperatorNeeded, Transient, is_transient

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
OTHERS = [
    OperatorNeeded("a person"),
    ConfigurationError("wrong"),
    LeaseLost("gone"),
    LookupError("a bug"),
    kafka.TopicAuthorizationFailedError(),
    kafka.MessageSizeTooLargeError(),
    asyncpg.UniqueViolationError(""),
    asyncpg.InvalidTextRepresentationError(""),
    asyncpg.UndefinedTableError(""),
    asyncpg.CharacterNotInRepertoireError(""),
    asyncpg.exceptions._base.DataError("invalid input for query argument $1"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
def test_an_outage_is_waited_out(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: type(error).__name__)
def test_what_waiting_cannot_mend_is_not(error: Exception) -> None:
    assert not is_transient(error)
