"""Fixtures of the simulator's tests: keys are made once per process, everything else per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.crypto.keys import KeyRing, load_or_create
from simulator.store.memory import MemoryStore
from simulator.store.port import Store
from simulator.store.sqlite import SqliteStore
from tests.support.simulator_driver import NOON, Ksef


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    return load_or_create(MemoryStore(), now=NOON)


@pytest.fixture
def ksef(keys: KeyRing) -> Ksef:
    """No limits, no delays, the test profile, an empty store in memory."""
    return Ksef(keys)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "s.sqlite")
    yield made
    made.close()
