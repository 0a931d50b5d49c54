"""A copy of a database and its return, with PostgreSQL's own tools."""

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from stack.postgres_binaries import find_binaries
from stack.settings import Settings

_TERMINATE = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"


async def dump(dsn: str, file: Path) -> None:
    """Write a consistent copy, while everything runs."""
    await _tool("pg_dump", "--format=custom", f"--file={file}", f"--dbname={dsn}")


async def restore(dsn: str, file: Path) -> None:
    """Throw the database away and have the copy in its place."""
    name = urlsplit(dsn).path.removeprefix("/")
    admin = await asyncpg.connect(urlsplit(dsn)._replace(path="/postgres").geturl())
    try:
        await admin.fetch(_TERMINATE, name)
        await admin.execute(f'drop database "{name}"')
        await admin.execute(f'create database "{name}"')
    finally:
        await admin.close()
    await _tool("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={dsn}", str(file))


async def _tool(name: str, *arguments: str) -> None:
    path = find_binaries(Settings.from_environ(os.environ)) / name
    process = await asyncio.create_subprocess_exec(path, *arguments, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 0, f"{name}: {said.decode(errors='replace')}"
