"""The desk of an ERP's team: the files and variables of docs/howto/publish-from-your-erp.md, and a shell."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import SIGKILL

from contracts import events
from tests.support import kafka_console
from tests.support.pages import ROOT, blocks

PAGE = ROOT / "docs" / "howto" / "publish-from-your-erp.md"
BLOCKS = blocks(PAGE)
SOURCE = "sap-north"
NO_PASSWORD = "security.protocol=PLAINTEXT\n"
"""``client.properties`` for a broker that asks nobody who they are."""


class Desk:
    """A directory with Kafka's console tools, where the page's commands find what the page says they need."""

    def __init__(
        self, directory: Path, *, bootstrap_servers: str, topic_prefix: str, client_properties: str
    ) -> None:
        self._directory = directory
        kafka_console.install(directory)
        self._environ: Mapping[str, str] = kafka_console.environment(
            directory,
            BOOTSTRAP_SERVERS=bootstrap_servers,
            SALES_TOPIC=topic_prefix + events.sales_topic(SOURCE),
            RESULTS_TOPIC=topic_prefix + events.results_topic(SOURCE),
            GROUP=f"erp.{SOURCE}.{directory.name}",
        )
        self.write("client.properties", client_properties)

    def write(self, name: str, text: str) -> None:
        (self._directory / name).write_text(text, "utf-8")

    async def shell(self, block: str, *, seconds: float = 60) -> str:
        """What a block of the page prints; it must succeed."""
        async with self._running("bash", "-euo", "pipefail", "-c", BLOCKS[block].text) as process:
            shown, _ = await asyncio.wait_for(process.communicate(), seconds)
        assert process.returncode == 0, shown.decode()
        return shown.decode()

    async def lines(self, *command: str, until: Callable[[str], bool], seconds: float = 60) -> list[str]:
        """What a command that does not end prints, up to the line that is waited for."""
        found: list[str] = []
        async with self._running(*command) as process, asyncio.timeout(seconds):
            assert process.stdout is not None
            while not found or not until(found[-1]):
                line = (await process.stdout.readline()).decode()
                assert line, f"it ended: {found}"
                found.append(line.rstrip("\n"))
        return found

    async def results(self, *, until: Callable[[str], bool], seconds: float = 60) -> list[str]:
        """What the page's console consumer shows."""
        return await self.lines("bash", "-c", BLOCKS["console-results"].text, until=until, seconds=seconds)

    @asynccontextmanager
    async def _running(self, *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A command in a process group of its own, which is ended with all that it started."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self._directory,
            env=dict(self._environ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=8 * 1024 * 1024,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, SIGKILL)
            await process.communicate()
