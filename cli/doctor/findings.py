"""A finding, and how the parts that make findings are run beside each other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from runtime import log
from runtime.errors import CourierError

Level: TypeAlias = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is so; ``mend`` says what to do about it, and is empty only for what is ok."""

    level: Level
    text: str
    mend: str = ""


def ok(text: str) -> Finding:
    return Finding("ok", text)


def warning(text: str, *, mend: str) -> Finding:
    return Finding("warning", text, mend)


def problem(text: str, *, mend: str) -> Finding:
    return Finding("problem", text, mend)


Findings: TypeAlias = AsyncIterator[Finding]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to look at. ``mend`` is the advice when it cannot be looked at, whatever the reason."""

    name: str
    examine: Callable[[], Findings]
    mend: str


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of one part, in the order in which they were made."""

    part: str
    findings: tuple[Finding, ...]


async def examine(parts: Sequence[Part], *, seconds: float) -> list[Report]:
    """Look at all parts at the same time, at each for ``seconds`` at most; in the order of ``parts``."""
    return await asyncio.gather(*(_examine(part, seconds=seconds) for part in parts))


async def _examine(part: Part, *, seconds: float) -> Report:
    findings: list[Finding] = []
    try:
        async with asyncio.timeout(seconds):
            async for finding in part.examine():
                findings.append(finding)  # noqa: PERF401  what was found before a failure is kept
    except TimeoutError:
        findings.append(problem(f"no answer within {seconds:g} s", mend=part.mend))
    except CourierError as error:
        findings.append(problem(str(error), mend=part.mend))
    except Exception as error:  # noqa: BLE001  whatever it is, it is what was found
        findings.append(problem(log.describe(error), mend=part.mend))
    return Report(part.name, tuple(findings))
