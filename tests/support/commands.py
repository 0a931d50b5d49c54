"""Running ``ksef-courier`` in this process: what it prints, and how it ends."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from typer.testing import CliRunner

from cli.main import app


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str


async def run(environ: Mapping[str, str], *arguments: str) -> Ended:
    """Run a command under ``environ``. An exception that the command lets through is raised here."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=dict(environ))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, _plain(result.stderr))


def _plain(text: str) -> str:
    """A usage error without the frame around it."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())
