"""``run all``: one child process per worker, started again when it ends, all ended together.

A child that ends is started again after a pause that doubles while it keeps failing. A child that says that
its settings are wrong (exit code 78) is not: the supervisor ends, for a person to see.
"""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from runtime import log
from runtime.errors import ConfigurationError
from runtime.loops import Backoff, Stopping
from runtime.process import EXIT_CONFIGURATION

STABLE_SECONDS = 30.0
STOP_SECONDS = 60.0

logger = log.get(__name__)


async def supervise(workers: Sequence[str], *, environ: Mapping[str, str]) -> None:
    """Keep the workers running until SIGTERM or Ctrl-C. Raises ConfigurationError when one cannot run."""
    stopping = Stopping()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            command = (sys.executable, "-m", f"services.{worker}")
            group.create_task(keep_running(worker, command, environ=environ, stopping=stopping))


async def keep_running(
    worker: str, command: Sequence[str], *, environ: Mapping[str, str], stopping: Stopping
) -> None:
    """One worker's child, started again and again. Raises ConfigurationError when that would not help."""
    backoff = Backoff(first=0.5, longest=30)
    loop = asyncio.get_running_loop()
    while not stopping:
        started = loop.time()
        # Its own session: Ctrl-C reaches the supervisor only, which then ends the children in order.
        child = await asyncio.create_subprocess_exec(*command, env=dict(environ), start_new_session=True)
        logger.info("child_started", worker=worker, pid=child.pid)
        code = await _wait(child, stopping)
        if stopping:
            return
        if code == EXIT_CONFIGURATION:
            stopping.set()
            raise ConfigurationError(f"the worker {worker} cannot run with these settings: see its last line")
        if loop.time() - started > STABLE_SECONDS:
            backoff.reset()
        seconds = backoff.next_seconds()
        logger.warning("child_ended", worker=worker, code=code, again_in_seconds=round(seconds, 1))
        await stopping.sleep(seconds)


async def _wait(child: asyncio.subprocess.Process, stopping: Stopping) -> int:
    """Its exit code; asked to end, and after a while made to, once the supervisor stops."""
    ended = asyncio.ensure_future(child.wait())
    stop = asyncio.ensure_future(stopping.wait())
    await asyncio.wait((ended, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not ended.done():
        with suppress(ProcessLookupError):
            child.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(ended), timeout=STOP_SECONDS)
        except TimeoutError:
            child.kill()
    return await ended
