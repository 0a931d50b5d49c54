"""Fixtures on real servers: one Kafka and one PostgreSQL per run, started by the first test that asks."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack.local import Addresses, up
from tests.support.stack import (
    end_run,
    fresh_database,
    fresh_topic_prefix,
    make_template,
    new_run_directory,
    remove_abandoned_runs,
)

_RUN_DIRECTORY = pytest.StashKey[Path]()
_WORKER_INPUT = "stack_directory"


def pytest_configure(config: pytest.Config) -> None:
    worker_input: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[_RUN_DIRECTORY] = Path(worker_input[_WORKER_INPUT])
        return
    # A time limit (of CI, or `timeout`) sends SIGTERM: end like Ctrl-C, so that the servers are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    remove_abandoned_runs()
    config.stash[_RUN_DIRECTORY] = new_run_directory()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called by xdist in the controller for each worker."""
    node.workerinput[_WORKER_INPUT] = str(node.config.stash[_RUN_DIRECTORY])


def pytest_unconfigure(config: pytest.Config) -> None:
    is_controller = not hasattr(config, "workerinput")
    if is_controller and _RUN_DIRECTORY in config.stash:
        end_run(config.stash[_RUN_DIRECTORY])


@pytest.fixture(scope="session")
def run_directory(request: pytest.FixtureRequest) -> Path:
    """The directory of this run's servers."""
    return request.config.stash[_RUN_DIRECTORY]


@pytest.fixture(scope="session")
def stack(run_directory: Path) -> Addresses:
    """A running Kafka and PostgreSQL, shared by all tests and workers. PostgreSQL does not sync to disk."""
    return up(run_directory, durable=False)


@pytest.fixture
def topic_prefix(stack: Addresses) -> Iterator[str]:
    """A prefix for this test's topics and groups, like ``t3f9a1.``; its topics are deleted afterwards."""
    with fresh_topic_prefix(stack.kafka_bootstrap) as prefix:
        yield prefix


@pytest.fixture(scope="session")
def migrated_template(stack: Addresses, run_directory: Path) -> str:
    """The name of the database that ``database`` copies; filled once per run by ``prepare_template``."""
    return make_template(stack.postgres_dsn, run_directory)


@pytest.fixture
def database(stack: Addresses, migrated_template: str) -> Iterator[str]:
    """The DSN of a fresh copy of the template for this test; dropped afterwards with whoever is connected."""
    with fresh_database(stack.postgres_dsn, template=migrated_template) as dsn:
        yield dsn
