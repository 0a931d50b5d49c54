"""``ksef-courier stack``: a real Kafka and PostgreSQL on this machine, without Docker."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import err, escape, out
from stack import local
from stack.progress import Step

app = typer.Typer(help="A real Kafka and PostgreSQL on this machine, without Docker.", no_args_is_help=True)

Directory = Annotated[
    Path | None,
    typer.Option("--directory", help="Where they live. Default: KSEF_STACK__DIRECTORY, or one per user."),
]


@app.command()
def up(directory: Directory = None) -> None:
    """Start both, or say where they run already. Prints the settings that lead to them."""
    addresses = local.up(directory, durable=True, progress=show)
    out.print(f"export KSEF_KAFKA__BOOTSTRAP_SERVERS={addresses.kafka_bootstrap}", markup=False)
    out.print("export KSEF_KAFKA__REPLICATION_FACTOR=1", markup=False)
    out.print(f"export KSEF_POSTGRES__DSN={addresses.postgres_dsn}", markup=False)


@app.command()
def status(directory: Directory = None) -> None:
    """What runs, and where."""
    found = local.status(directory)
    out.print(f"directory   {found.directory}", markup=False)
    for name, part in (("kafka", found.kafka), ("postgresql", found.postgres)):
        where = f"  {part.address}" if part.address else ""
        pid = f"  pid {part.pid}" if part.pid else ""
        out.print(f"{name:<11} {part.condition}{where}{pid}", markup=False)


@app.command()
def down(
    directory: Directory = None,
    keep_data: Annotated[bool, typer.Option("--keep-data", help="Stop, but keep topics and tables.")] = False,
) -> None:
    """Stop both and remove what they left."""
    local.down(directory, keep_data=keep_data, progress=show)


def show(step: Step) -> None:
    """A line of progress."""
    count = f" {step.done}/{step.total}" if step.total else ""
    err.print(f"[dim]{escape(step.text)}{count}[/]")
