"""Loops that outlive an outage: errors that waiting can mend are waited out, any other ends the process."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from runtime import log
from runtime.failures import is_transient

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

logger = log.get(__name__)


class Stopping:
    """Set once, when the process is to end; everything that waits, waits for this as well."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> None:
        await self._event.wait()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not beyond the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


class Backoff:
    """Pauses that double from one failure to the next, with jitter."""

    def __init__(self, *, first: float = FIRST_PAUSE_SECONDS, longest: float = LONGEST_PAUSE_SECONDS) -> None:
        self._first, self._longest = first, longest
        self._failures = 0
        self._rng = random.Random()  # noqa: S311  jitter

    def reset(self) -> None:
        self._failures = 0

    def next_seconds(self) -> float:
        self._failures += 1
        ceiling = min(self._longest, self._first * 2.0 ** min(self._failures - 1, 16))
        return ceiling * (0.5 + self._rng.random() / 2)


async def repeat(
    name: str, step: Callable[[], Awaitable[float]], *, stopping: Stopping, wake: asyncio.Event | None = None
) -> None:
    """Call ``step`` again and again; it returns the seconds until it wants to be called next (0: at once).

    ``wake`` ends a wait early. Transient errors pause the loop; others end it, and with it the process.
    """
    backoff = Backoff()
    while not stopping:
        try:
            seconds = await step()
        except Exception as error:
            if not is_transient(error):
                raise
            seconds = backoff.next_seconds()
            logger.warning("loop_waits", loop=name, error=log.describe(error), seconds=round(seconds, 1))
        else:
            backoff.reset()
        if seconds > 0:
            await _wait(seconds, stopping, wake)


async def _wait(seconds: float, stopping: Stopping, wake: asyncio.Event | None) -> None:
    if wake is None:
        await stopping.sleep(seconds)
        return
    waits = [asyncio.ensure_future(wake.wait()), asyncio.ensure_future(stopping.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    wake.clear()
