"""What most tests of the kit take: their part of Kafka, a pool on their database."""

from collections.abc import AsyncIterator

import pytest

from runtime.db import Database
from runtime.settings import KafkaSettings
from stack.local import Addresses
from tests.support.kit import Kafka, opened
from tests.support.simulator_fixtures import keys

__all__ = ["kafka", "keys", "pool"]


@pytest.fixture
def kafka(stack: Addresses, topic_prefix: str) -> Kafka:
    return Kafka(KafkaSettings(bootstrap_servers=stack.kafka_bootstrap, topic_prefix=topic_prefix))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    async with opened(database) as pool:
        yield pool
