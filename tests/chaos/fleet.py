"""The workers of an experiment: ``ksef-courier run`` processes in named slots, to be killed and paused.

Invariant: a slot that should run and whose process ended is started again, as a supervisor would.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli import local_system
from stack import processes
from stack.processes import Process, is_running

SLOTS = ("intake-1", "mapper-1", "validator-1", "validator-2", "sender-1", "sender-2", "tracker-1")
"""Which worker runs how often: ``<worker>-<number>``."""

_WATCH_SECONDS = 0.5
_RESTART_SECONDS = 1.0
_POLL_SECONDS = 0.02
_KILL_SECONDS = 10.0
_TERM_SECONDS = 75.0
_START_SECONDS = 120.0
_STARTED = b'"worker_started"'


class FleetFailed(Exception):
    """Workers did not start or end; the text says which and where their logs are."""


@dataclass(slots=True)
class Slot:
    """A place for one process. Whoever changes its process holds ``turn``."""

    name: str
    log: Path
    process: Process | None = None
    paused: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def worker(self) -> str:
        return self.name.rpartition("-")[0]


class Fleet:
    """All workers. ``ended`` counts, by slot, the processes that ended without having been told to."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        logs: Path,
        slots: Sequence[str] = SLOTS,
    ) -> None:
        self.slots = {name: Slot(name, logs / f"{name}.jsonl") for name in slots}
        self.ended: Counter[str] = Counter()
        self.note: Callable[[str], None] = lambda _: None
        """Told when a worker ended by itself."""
        self._environ = environ

    async def start(self) -> None:
        """Start all and wait until each has joined its group. Raises :class:`FleetFailed`."""
        for slot in self.slots.values():
            self._launch(slot)
        try:
            async with asyncio.timeout(_START_SECONDS):
                while waiting := [slot for slot in self.slots.values() if not _has_started(slot)]:
                    if dead := [slot for slot in waiting if not is_running(slot.process)]:
                        raise FleetFailed(f"{dead[0].name} ended at its start: see {dead[0].log}")
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise FleetFailed(f"{waiting[0].name} did not start: see {waiting[0].log}") from None

    async def watch(self) -> None:
        """Start again what ended by itself, until cancelled."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            for slot in self.slots.values():
                if not slot.turn.locked() and not is_running(slot.process):
                    await self._restart(slot)

    async def kill(self, name: str, *, again_after: float) -> None:
        """SIGKILL, and a new process after so many seconds."""
        slot = self.slots[name]
        async with slot.turn:
            await _end(slot.process, (signal.SIGKILL, _KILL_SECONDS))
            await asyncio.sleep(again_after)
            self._launch(slot)

    async def pause(self, name: str, *, seconds: float) -> None:
        """SIGSTOP, and SIGCONT so many seconds later: the process then believes that no time has passed."""
        slot = self.slots[name]
        async with slot.turn:
            slot.paused = True
            processes.send(slot.process, signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                processes.send(slot.process, signal.SIGCONT)
                slot.paused = False

    async def terminate(self, name: str, *, twice_after: float | None) -> None:
        """SIGTERM, perhaps a second one; a new process as soon as the old one has ended."""
        slot = self.slots[name]
        steps = [(signal.SIGTERM, _TERM_SECONDS), (signal.SIGKILL, _KILL_SECONDS)]
        if twice_after is not None:
            steps.insert(0, (signal.SIGTERM, twice_after))
        async with slot.turn:
            await _end(slot.process, *steps)
            self._launch(slot)

    async def stop(self) -> None:
        """End all, in order if they can."""
        for slot in self.slots.values():
            processes.send(slot.process, signal.SIGCONT)
        steps = ((signal.SIGTERM, _TERM_SECONDS), (signal.SIGKILL, _KILL_SECONDS))
        await asyncio.gather(*(_end(slot.process, *steps) for slot in self.slots.values()))

    async def _restart(self, slot: Slot) -> None:
        async with slot.turn:
            self.ended[slot.name] += 1
            self.note(f"{slot.name} ended by itself")
            await asyncio.sleep(_RESTART_SECONDS)
            self._launch(slot)

    def _launch(self, slot: Slot) -> None:
        slot.process = local_system.start_workers(self._environ, log=slot.log, only=slot.worker)


async def _end(process: Process | None, *steps: tuple[signal.Signals, float]) -> None:
    """Each signal in turn, with its seconds to wait; returns as soon as the process is gone."""
    for number, seconds in steps:
        processes.send(process, number)
        for _ in range(int(seconds / _POLL_SECONDS)):
            if not is_running(process):
                return
            await asyncio.sleep(_POLL_SECONDS)
    raise FleetFailed(f"a worker did not end on {steps[-1][0].name}: process {process and process.pid}")


def _has_started(slot: Slot) -> bool:
    return slot.log.exists() and _STARTED in slot.log.read_bytes()
