"""Who called how often: sliding windows per key, with a block that grows while its victim keeps knocking.

Kept in memory only: a restart forgives. Refused calls are not recorded as made.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from simulator.rates import UNLIMITED, Rates

Key: TypeAlias = tuple[str, ...]

_HOUR = 3600.0
_KNOCK_COSTS_SECONDS = 5
_COUNTED_KNOCKS = 10


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A refused call: the limit that is full and the whole seconds to stay away."""

    limit: int
    window: str
    retry_after_seconds: int


@dataclass(slots=True)
class _Log:
    made: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0
    knocks: int = 0
    last: Exceeded = Exceeded(0, "sekundę", 1)


class Windows:
    """Every window of every key. ``now`` is in seconds and must not run backwards per key."""

    def __init__(self) -> None:
        self._logs: dict[Key, _Log] = {}

    def admit(self, key: Key, rates: Rates, *, now: float) -> Exceeded | None:
        """Record a call, or say why it is refused; each call made while blocked lengthens the block."""
        if rates.per_second == rates.per_minute == rates.per_hour == UNLIMITED:
            return None
        log = self._logs.setdefault(key, _Log())
        while log.made and log.made[0] <= now - _HOUR:
            log.made.popleft()
        if now < log.blocked_until:
            return _knocked(log, now=now)
        full = _fullest(log.made, rates, now=now)
        if full is not None:
            log.blocked_until = now + full.retry_after_seconds
            log.last = full
            return full
        log.made.append(now)
        log.knocks = 0
        return None


def _knocked(log: _Log, *, now: float) -> Exceeded:
    if log.knocks < _COUNTED_KNOCKS:
        log.knocks += 1
        log.blocked_until += _KNOCK_COSTS_SECONDS
    wait = math.ceil(log.blocked_until - now)
    return Exceeded(log.last.limit, log.last.window, wait)


def _fullest(made: deque[float], rates: Rates, *, now: float) -> Exceeded | None:
    """The full window that frees last, if any."""
    windows = (
        (rates.per_second, 1.0, "sekundę"),
        (rates.per_minute, 60.0, "minutę"),
        (rates.per_hour, _HOUR, "godzinę"),
    )
    full = [
        Exceeded(limit, name, math.ceil(made[-limit] + seconds - now))
        for limit, seconds, name in windows
        if limit != UNLIMITED and len(made) >= limit and made[-limit] + seconds > now
    ]
    return max(full, key=lambda exceeded: exceeded.retry_after_seconds, default=None)
