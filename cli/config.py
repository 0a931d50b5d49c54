"""``ksef-courier config``"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.config_files import ConfigFiles, read_config
from cli.output import err, escape, out
from cli.who import As, who
from runtime import config
from runtime.db import open_database
from runtime.settings import Settings

app = typer.Typer(help="Sources and companies: YAML files, kept with history.", no_args_is_help=True)

Directory = Annotated[Path, typer.Argument(help="The directory with sources/ and companies/.")]


@app.command()
def validate(directory: Directory = Path("config")) -> None:
    """Check the files; needs no server."""
    files = checked(directory)
    out.print(f"{len(files.sources)} sources, {len(files.companies)} companies: all right")


@app.command()
def diff(directory: Directory = Path("config")) -> None:
    """What ``apply`` would change."""
    _show(asyncio.run(apply(Settings.load(), checked(directory), by="", reason=None, dry_run=True)))


@app.command("apply")
def apply_files(
    directory: Directory = Path("config"),
    as_: As = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; kept in the history.")] = None,
) -> None:
    """Make the files the configuration. Workers take it over within five seconds, without a restart."""
    files = checked(directory)
    changes = asyncio.run(apply(Settings.load(), files, by=who(as_), reason=reason))
    _show(changes)
    if any(change.kind == "source" and change.what == "added" for change in changes):
        out.print("new sources: run `ksef-courier topics apply` to create their topics")


def checked(directory: Path) -> ConfigFiles:
    """The files, or the end of the command with every problem."""
    files = read_config(directory)
    if files.problems:
        for problem in files.problems:
            err.print(f"[red]{escape(str(problem))}[/]")
        sys.exit(1)
    return files


async def apply(
    settings: Settings, files: ConfigFiles, *, by: str, reason: str | None, dry_run: bool = False
) -> list[config.Change]:
    """The work of the commands."""
    async with open_database(settings.postgres, application_name="ksef-courier config") as database:
        return await config.apply(
            database,
            sources=files.sources,
            companies=files.companies,
            applied_by=by,
            reason=reason,
            dry_run=dry_run,
        )


async def configured_sources(settings: Settings) -> list[str]:
    """The names of the sources that are configured now."""
    async with open_database(settings.postgres, application_name="ksef-courier config") as database:
        return list((await config.read(database)).sources)


def _show(changes: list[config.Change]) -> None:
    for change in changes:
        out.print(f"{change.what:<8} {change.kind} {change.name}", markup=False)
    if not changes:
        out.print("nothing to change")
