"""What most tests of the kit take: their part of Kafka, a pool on their database."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest

from runtime.db import Database
from runtime.settings import KafkaSettings
from stack.local import Addresses
from stack.waiting import blocking
from tests.support.books import freshen, write_books
from tests.support.kit import Kafka, opened
from tests.support.simulator_fixtures import keys
from tests.support.stack import fresh_database

__all__ = ["kafka", "keys", "pool"]


@pytest.fixture
def kafka(stack: Addresses, topic_prefix: str) -> Kafka:
    return Kafka(KafkaSettings(bootstrap_servers=stack.kafka_bootstrap, topic_prefix=topic_prefix))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    async with opened(database) as pool:
        yield pool


@pytest.fixture(scope="session")
def written(stack: Addresses, migrated_template: str) -> Iterator[str]:
    """The name of a database with sound books; it is copied, never used."""
    with fresh_database(stack.postgres_dsn, template=migrated_template) as dsn:
        blocking(lambda: _write(dsn))
        yield urlsplit(dsn).path.removeprefix("/")


async def _write(dsn: str) -> None:
    async with opened(dsn) as database:
        await write_books(database)


@pytest.fixture
async def books(stack: Addresses, written: str) -> AsyncIterator[Database]:
    """Sound books, for a test to break."""
    with fresh_database(stack.postgres_dsn, template=written) as dsn:
        async with opened(dsn) as database:
            await freshen(database)
            yield database
