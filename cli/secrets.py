"""``ksef-courier secrets``"""

import typer

from runtime.secrets import new_key

app = typer.Typer(help="Keys of this installation.", no_args_is_help=True)


@app.callback()
def secrets() -> None:
    """Keys of this installation."""


@app.command("new-key")
def print_new_key() -> None:
    """Print a new master key, for KSEF_SECRETS__MASTER_KEY or the file of KSEF_SECRETS__MASTER_KEY_FILE.

    It seals the keys of KSeF sessions in the database: keep it, and keep it apart from the database's backup.
    """
    typer.echo(new_key())
