"""Kafka and PostgreSQL of one experiment alone, to be stopped and started on their data."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stack import local, processes
from stack.directory import StackDirectory
from stack.local import Addresses
from stack.processes import Process
from stack.state import State
from tests.support.own_stack import SETTINGS

_STOP_SECONDS = 30.0


class Servers:
    """Both are durable: they are killed here, and what they confirmed must be there afterwards."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._turn = asyncio.Lock()

    async def up(self) -> Addresses:
        """Start what does not run; the addresses stay the same."""
        async with self._turn:
            return await asyncio.to_thread(local.up, self._directory, durable=True, settings=SETTINGS)

    async def stop_kafka(self, number: signal.Signals) -> None:
        known = self._state.kafka
        await self._end(known.process if known else None, number)

    async def stop_postgres(self) -> None:
        """Immediately, as a crash would: nothing more is written, the next start recovers."""
        known = self._state.postgres
        await self._end(known.process if known else None, signal.SIGQUIT)

    @property
    def logs(self) -> tuple[Path, ...]:
        return (self._directory / "postgres.log", self._directory / "kafka" / "kafka.log")

    @property
    def _state(self) -> State:
        return StackDirectory(self._directory).state

    async def _end(self, process: Process | None, number: signal.Signals) -> None:
        steps = ((number, _STOP_SECONDS), (signal.SIGKILL, _STOP_SECONDS))
        async with self._turn:
            await asyncio.to_thread(processes.stop, process, *steps)


@asynccontextmanager
async def open_servers() -> AsyncIterator[Servers]:
    """Nothing runs yet; at the end all is stopped and removed.

    The directory lies directly among the temporary files, where PostgreSQL's account may enter.
    """
    directory = Path(tempfile.mkdtemp(prefix="courier-chaos-"))
    try:
        yield Servers(directory)
    finally:
        await asyncio.to_thread(local.down, directory, settings=SETTINGS)
