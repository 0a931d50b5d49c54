"""Free space where this machine's workers write, and where PostgreSQL does if that can be seen from here."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from cli.doctor.findings import Finding, Findings, ok, problem, warning
from cli.doctor.installation import APPLICATION, Installation
from runtime.db import connect

GIB = 2**30
_DATA_DIRECTORY = "select current_setting('data_directory')"
_SIZE = "select pg_database_size(current_database())"


async def disk(installation: Installation) -> Findings:
    """Documents live in PostgreSQL: its size, and the free space that can be seen from here."""
    for what, path in _directories(installation):
        yield space(what, free=shutil.disk_usage(path).free, total=shutil.disk_usage(path).total)
    connection = await connect(installation.settings.postgres, application_name=APPLICATION)
    try:
        size: int = await connection.fetchval(_SIZE)
        directory = await _data_directory(connection)
    finally:
        await connection.close()
    if directory is None or not directory.is_dir():
        yield ok(f"the database is {size / GIB:.1f} GiB large; its disk cannot be seen from here")
    else:
        usage = shutil.disk_usage(directory)
        yield space(f"PostgreSQL's data (database {size / GIB:.1f} GiB)", free=usage.free, total=usage.total)


def _directories(installation: Installation) -> Iterator[tuple[str, Path]]:
    yield "temporary files", Path(tempfile.gettempdir())
    tracing = installation.settings.tracing
    if tracing.exporter == "file" and tracing.directory is not None and tracing.directory.is_dir():
        yield "traces", tracing.directory


async def _data_directory(connection: asyncpg.Connection) -> Path | None:
    """None for a role that may not know it, as most may not."""
    try:
        return Path(await connection.fetchval(_DATA_DIRECTORY))
    except asyncpg.InsufficientPrivilegeError:
        return None


def space(what: str, *, free: int, total: int) -> Finding:
    """Free space in bytes, judged."""
    text = f"{what}: {free / GIB:.1f} of {total / GIB:.1f} GiB free"
    mend = "make room, or add disk, before it is full: then nothing can be written, and everything waits"
    if free < GIB or free < total * 0.02:
        return problem(text, mend=mend)
    if free < 5 * GIB or free < total * 0.05:
        return warning(text, mend=mend)
    return ok(text)
