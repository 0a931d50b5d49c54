"""Who does it: what acts of people are kept under."""

import getpass
from typing import Annotated, TypeAlias

import typer

from cli.output import fail

As: TypeAlias = Annotated[str | None, typer.Option("--as", help="Who does this. Default: the user here.")]


def who(as_: str | None) -> str:
    """``--as``, else the operating system's user; without either the command ends."""
    if as_:
        return as_
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may be a number that has no name
        fail("this user has no name: say who does this with --as", code=2)
