"""Servers of a test's own, beside those that the whole run shares: to be killed, restarted, misconfigured."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stack import local
from stack.settings import Settings

_REPOSITORY = Path(__file__).parents[2]
_GIVEN = {"KSEF_KAFKA__BOOTSTRAP_SERVERS", "KSEF_POSTGRES__DSN", "KSEF_POSTGRES__DSN_FILE"}

SETTINGS = replace(Settings.from_environ(os.environ), kafka_bootstrap=None, postgres_dsn=None)
"""Addresses given to the whole run do not reach servers of a test's own."""
POSTGRES_ONLY = replace(SETTINGS, kafka_bootstrap="127.0.0.1:9")
PYTHONPATH = os.pathsep.join([str(_REPOSITORY), *(path for path in sys.path if path)])
"""This process's own search path, for a Python outside of the virtual environment too."""


def own_environment(**variables: str) -> dict[str, str]:
    """This process's environment without given addresses, and with ``variables``."""
    kept = {name: value for name, value in os.environ.items() if name not in _GIVEN}
    return kept | {"PYTHONPATH": PYTHONPATH} | variables


@contextmanager
def own_directory() -> Iterator[Path]:
    """An empty directory; what runs in it is stopped and removed.

    It lies directly among the temporary files: pytest's own are closed to the account that PostgreSQL gets.
    """
    directory = Path(tempfile.mkdtemp(prefix="courier-stack-"))
    try:
        yield directory
    finally:
        local.down(directory, settings=SETTINGS)
    assert not directory.exists()
