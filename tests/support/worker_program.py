"""A worker as a process of its own, for tests of the worker itself: what it does is written in the records.

``hold`` is in hand until the file named by TEST_MAY_END exists; ``fail`` makes a loop of the worker fail;
``bad`` becomes a dead letter; ``hang`` never comes back, whoever cancels it.
"""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runtime import log
from runtime.app import main, open_worker
from runtime.loops import Stopping
from runtime.records import DeadLetter, Done, Inbound, Outcome
from runtime.settings import Settings
from services import MIGRATED
from tests.support.kit import INPUT, SERVICE
from tests.support.waiting import until

logger = log.get(__name__)


async def serve(settings: Settings) -> None:
    async with open_worker(SERVICE, settings, packages=MIGRATED) as worker:
        failing = asyncio.Event()

        async def handle(records: Sequence[Inbound]) -> Sequence[Outcome]:
            for record in records:
                logger.info("in_hand", value=record.value.decode())
                if record.value == b"hold":
                    await until(Path(os.environ["TEST_MAY_END"]).exists, seconds=50)
                if record.value == b"fail":
                    failing.set()
                while record.value == b"hang":
                    with suppress(asyncio.CancelledError):
                        await asyncio.sleep(60)
            return [DeadLetter("unreadable") if record.value == b"bad" else Done() for record in records]

        async def fail(stopping: Stopping) -> None:
            await until(lambda: bool(stopping) or failing.is_set(), seconds=600)
            if failing.is_set():
                raise LookupError("hunter2")

        worker.consume(handle, topics=[INPUT])
        worker.loop("failing", fail)
        await worker.run()


if __name__ == "__main__":
    main(SERVICE, Settings.load, serve)
