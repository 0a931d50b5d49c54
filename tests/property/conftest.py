"""The simulator's fixtures, shared with the other suites that drive it."""

from tests.support.simulator_fixtures import keys, ksef, store

__all__ = ["keys", "ksef", "store"]
