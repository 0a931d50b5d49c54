"""What people see: one console for results, one for progress and errors."""

import sys
from typing import NoReturn

from rich.console import Console

# Where there is no terminal (a file, CI) tables keep their full width.
_WIDE = 150

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Say what is wrong and end."""
    err.print(f"[bold red]error:[/] {escape(message)}")
    sys.exit(code)


def escape(text: str) -> str:
    """Text that may hold square brackets, for a console that reads markup."""
    return text.replace("[", r"\[")
