"""CPU and memory of processes, from /proc."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process and its children: CPU in seconds since it began, resident memory now, in MiB."""

    cpu_seconds: float
    resident_mib: float


def usage(pid: int) -> Usage:
    """Children that have ended count with the CPU that their parent waited for."""
    cpu, pages = 0.0, 0
    for one in _tree(pid):
        try:
            fields = (_PROC / str(one) / "stat").read_text().rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it ended; its parent counts it from now on
            continue
        # utime, stime and those of children that were waited for: fields 14 to 17 of proc(5).
        cpu += sum(map(int, fields[11:15])) / _TICKS
        pages += int(fields[21])
    return Usage(cpu, pages * os.sysconf("SC_PAGESIZE") / 2**20)


def cpu_of(pids: Iterable[int]) -> float:
    return sum(usage(pid).cpu_seconds for pid in pids)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in _children_files(pid):
        try:
            children = task.read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            yield from _tree(int(child))


def _children_files(pid: int) -> list[Path]:
    try:
        return list((_PROC / str(pid) / "task").glob("*/children"))
    except FileNotFoundError:
        return []
