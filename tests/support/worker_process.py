"""Starting ``worker_program`` as a process, asking its probes and reading what it wrote."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from runtime.settings import KafkaSettings
from tests.support.waiting import until


@dataclass
class Process:
    """A worker that runs, and what it has written."""

    popen: "subprocess.Popen[bytes]"
    directory: Path
    may_end: Path = field(init=False)

    def __post_init__(self) -> None:
        self.may_end = self.directory / "may-end"

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Its log lines of one event."""
        return [line for line in self._all_lines() if line["event"] == event]

    def last_line(self) -> dict[str, Any]:
        """The last thing it said."""
        return self._all_lines()[-1]

    def _all_lines(self) -> list[dict[str, Any]]:
        text = (self.directory / "out").read_text("utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def complaint(self) -> str:
        return (self.directory / "err").read_text("utf-8")

    def output(self) -> str:
        """All that it has written, to standard output and error."""
        return (self.directory / "out").read_text("utf-8") + self.complaint()

    def has_said(self, event: str, **fields: object) -> bool:
        return any(fields.items() <= line.items() for line in self.lines(event))

    async def get(self, path: str) -> str:
        (line,) = self.lines("probes_listening")
        async with httpx.AsyncClient() as client:
            return (await client.get(line["address"] + path)).text

    async def answers(self, path: str, text: str) -> bool:
        return self.has_said("probes_listening") and text in await self.get(path)

    async def until_ended(self, *, seconds: float = 20) -> int:
        """Its exit code."""
        await until(lambda: self.popen.poll() is not None, seconds=seconds)
        return int(self.popen.returncode)


@contextmanager
def worker(directory: Path, settings: KafkaSettings, dsn: str, **more: str) -> Iterator[Process]:
    """Running from here on; killed in the end. ``more`` are variables of its environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KSEF_")}
    environ |= {
        "KSEF_ENVIRONMENT": "test",
        "KSEF_KAFKA__BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "KSEF_KAFKA__TOPIC_PREFIX": settings.topic_prefix,
        "KSEF_POSTGRES__DSN": dsn,
        "TEST_MAY_END": str(directory / "may-end"),
    } | more
    with (directory / "out").open("wb") as out, (directory / "err").open("wb") as err:
        popen = subprocess.Popen(
            [sys.executable, "-m", "tests.support.worker_program"],
            env=environ,
            cwd=Path(__file__).parents[2],
            stdout=out,
            stderr=err,
        )
    try:
        yield Process(popen, directory)
    finally:
        popen.kill()
        popen.wait()
