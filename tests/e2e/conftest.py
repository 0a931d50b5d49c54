"""The whole system: one that most tests share, and fresh ones for tests that break it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.local import Addresses
from tests.support.stack import fresh_database, fresh_topic_prefix
from tests.support.system import System, running_system


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, stack: Addresses, migrated_template: str
) -> Iterator[System]:
    """Everything, running, for all tests of a module: each uses numbers of its own."""
    with (
        fresh_database(stack.postgres_dsn, template=migrated_template) as dsn,
        fresh_topic_prefix(stack.kafka_bootstrap) as prefix,
        running_system(tmp_path_factory.mktemp("system"), stack, dsn=dsn, topic_prefix=prefix) as running,
    ):
        running.start()
        yield running


@pytest.fixture
def own_system(tmp_path: Path, stack: Addresses, database: str, topic_prefix: str) -> Iterator[System]:
    """Everything but the workers, for one test, which starts and kills them as it likes."""
    with running_system(tmp_path, stack, dsn=database, topic_prefix=topic_prefix) as running:
        yield running
