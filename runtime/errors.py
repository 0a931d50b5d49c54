"""Errors of the kit, by who must act.

CourierError
├── Transient          wait and try again: the database or the broker is away
├── OperatorNeeded     a person must change something; the text says what
├── ConfigurationError the process cannot start like this
└── LeaseLost          somebody else owns the work now: stop, write nothing
"""

import asyncpg
from aiokafka.errors import KafkaConnectionError, KafkaError


class CourierError(Exception):
    """Root of our own errors."""


class Transient(CourierError):
    """The outside is away; the same call may work later."""


class OperatorNeeded(CourierError):
    """Nothing will get better by waiting."""


class ConfigurationError(CourierError):
    """Settings, schema or topics are not what this version needs."""


class LeaseLost(CourierError):
    """The lease was taken over or ran out. Whatever was not recorded yet is the next owner's to find out."""


_TRANSIENT = (
    Transient,
    OSError,
    TimeoutError,
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
)


def is_transient(error: BaseException) -> bool:
    """Whether waiting can help: the database or broker is away, full, or chose us as a deadlock's victim."""
    if isinstance(error, KafkaError):
        return isinstance(error, KafkaConnectionError) or bool(error.retriable)
    if isinstance(error, asyncpg.InterfaceError):
        # A closed connection; but those that are ValueErrors say that an argument cannot be encoded.
        return not isinstance(error, ValueError)
    return isinstance(error, _TRANSIENT)
