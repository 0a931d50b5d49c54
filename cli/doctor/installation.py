"""What is examined: the settings of the sender (which has all of them), and what PostgreSQL knows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime import config
from runtime.clock import Clock
from runtime.config import Snapshot
from runtime.db import Database, open_database
from services.sender.settings import SenderSettings

APPLICATION = "ksef-courier doctor"


class Installation:
    """The settings, the clock of this machine, and the configuration, which is read once for all parts."""

    def __init__(self, settings: SenderSettings, *, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self._reading: asyncio.Task[Snapshot] | None = None

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """Connections of a part's own: another part that hangs must not hold them."""
        async with open_database(self.settings.postgres, application_name=APPLICATION) as database:
            yield database

    async def configuration(self) -> Snapshot:
        """Sources and companies as applied. Raises what the database raises."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(self._reading)

    async def _read(self) -> Snapshot:
        async with self.database() as database:
            return await config.read(database)
