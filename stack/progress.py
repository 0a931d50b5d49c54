"""What long work tells its caller: one value per step, rendered by whoever watches."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Step:
    """Something began or moved on. ``done`` of ``total`` is given where the work is countable."""

    text: str
    done: int | None = None
    total: int | None = None


Progress: TypeAlias = Callable[[Step], None]
"""Called from the thread that works, never concurrently; it should return quickly."""


def silent(step: Step) -> None:
    """Tell nobody."""
