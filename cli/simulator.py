"""``ksef-courier simulator``: the local KSeF, as a command."""

import sys
from typing import Annotated

import typer

from simulator.__main__ import main

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def simulator(
    context: typer.Context,
    _arguments: Annotated[list[str] | None, typer.Argument(metavar="OPTIONS")] = None,
) -> None:
    """A local KSeF 2.x over real HTTP, until Ctrl-C. `ksef-courier simulator --help` lists its options."""
    sys.exit(main([*(_arguments or ()), *context.args]))
