"""Waiting with a deadline, and calling async code from synchronous code."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def until(condition: Callable[[], bool], *, seconds: float, every_seconds: float = 0.05) -> bool:
    """Ask ``condition`` until it holds or ``seconds`` have passed; whether it held. Asks at least once."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every_seconds)
    return True


def blocking(call: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``call`` to its end. Works beside a running event loop too, which it then blocks."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(lambda: asyncio.run(call())).result()
