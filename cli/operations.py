"""``ksef-courier migrate`` and ``run``."""

import asyncio
import os
import sys
from typing import Annotated, Literal

import typer

from cli.output import fail, out
from cli.supervisor import supervise
from runtime import log
from runtime.db import connect
from runtime.migrate import Migration, discover
from runtime.migrate import migrate as apply_migrations
from runtime.settings import Settings
from services import MIGRATED, WORKERS


def migrate(
    phase: Annotated[
        Literal["pre", "post", "all"],
        typer.Option(help="pre: safe while the old version runs; post: after it is gone."),
    ] = "all",
) -> None:
    """Bring the database to this version. Safe to repeat; refuses edited or unknown migrations."""
    applied = asyncio.run(migrate_database(Settings.load(), phase=phase))
    for migration in applied:
        out.print(f"applied {migration.owner}/{migration.name}", markup=False)
    if not applied:
        out.print("the database is up to date")


async def migrate_database(
    settings: Settings, *, phase: Literal["pre", "post", "all"] = "all"
) -> list[Migration]:
    """The work of the command."""
    connection = await connect(settings.postgres)
    try:
        return await apply_migrations(
            connection,
            discover(MIGRATED),
            environment=settings.environment,
            phases=("pre", "post") if phase == "all" else (phase,),
        )
    finally:
        await connection.close()


def run(
    worker: Annotated[str, typer.Argument(help=f"One of: {', '.join(WORKERS)}; or all.")],
) -> None:
    """Run one worker in this process, or all of them as children that are started again when they end."""
    if worker == "all":
        settings = Settings.load()
        log.configure(service="supervisor", level=settings.log.level)
        try:
            asyncio.run(supervise(WORKERS, environ=os.environ))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        return
    if worker not in WORKERS:
        fail(f"no worker is called {worker!r}: there are {', '.join(WORKERS)}, and all", code=2)
    # A process of its own image: what `ps` shows is what runs.
    os.execv(sys.executable, [sys.executable, "-m", f"services.{worker}"])  # noqa: S606
