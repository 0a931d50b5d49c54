"""``ksef-courier``: every command, and what an error looks like."""

import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from cli import (
    audit,
    config,
    dead_letters,
    demo,
    documents,
    explaining,
    operations,
    pausing,
    recover,
    results,
    secrets,
    simulator,
    stack,
    topics,
)
from cli.doctor.command import doctor
from cli.output import fail
from runtime.errors import ConfigurationError, CourierError
from stack.errors import StackError

app = typer.Typer(
    name="ksef-courier",
    help="Carries invoices between ERPs and KSeF: never lost, never sent twice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(stack.app, name="stack")
app.add_typer(topics.app, name="topics")
app.add_typer(config.app, name="config")
app.add_typer(secrets.app, name="secrets")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(results.app, name="results")
app.command("migrate")(operations.migrate)
app.command("run")(operations.run)
app.command("send")(documents.send)
app.command("status")(documents.status)
app.command("explain")(explaining.explain_document)
app.command("pause")(pausing.pause)
app.command("resume")(pausing.resume)
app.command("recover")(recover.recover)
app.command("doctor")(doctor)
app.command("audit")(audit.audit)
app.command("simulator")(simulator.simulator)
app.command("demo")(demo.demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ksef-courier {version('ksef-courier')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Settings come from the environment: KSEF_<SECTION>__<OPTION>, secrets also as …_FILE."""
    # It logs every retry of its own as an error; what matters comes back as an exception.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def main() -> None:
    """Run a command. Exit codes: 0 done, 1 failed, 2 usage, 78 settings, 130 interrupted."""
    try:
        app()
    except ConfigurationError as error:
        fail(str(error), code=78)
    except (CourierError, StackError, KafkaError) as error:
        fail(str(error), code=1)
    except OSError as error:
        fail(f"{type(error).__name__}: {error}", code=1)
    except KeyboardInterrupt:
        sys.exit(130)
