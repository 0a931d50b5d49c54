"""Where things are taken from and put: the environment, read in one place.

``KSEF_STACK__DIRECTORY``      where the servers live (default: :func:`_default_directory`)
``KSEF_STACK__CACHE``          where Kafka's jars are kept between runs
``KSEF_STACK__JAVA``           a ``java`` to use instead of the packaged one
``KSEF_STACK__MAVEN_MIRROR``   base address of a Maven repository to use instead of the public one
``PG_BIN``                     a directory with ``initdb`` and ``postgres``, instead of the packaged ones
``KSEF_KAFKA__BOOTSTRAP_SERVERS``, ``KSEF_POSTGRES__DSN`` (or ``…_FILE``): this part is given and not started
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from stack.errors import StackError

_NAME = "ksef-courier"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Empty values of the environment count as unset. Secrets do not show in ``repr``."""

    directory: Path
    cache: Path
    java: Path | None = None
    java_home: Path | None = None
    search_path: str = os.defpath
    maven_mirror: str | None = field(default=None, repr=False)
    pg_bin: Path | None = None
    kafka_bootstrap: str | None = None
    postgres_dsn: str | None = field(default=None, repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, uid: int | None = None) -> Self:
        """``uid``: for whom the default directories are meant; by default this process's user."""
        user = os.geteuid() if uid is None else uid
        return cls(
            directory=_path(environ, "KSEF_STACK__DIRECTORY") or _default_directory(environ, user),
            cache=_path(environ, "KSEF_STACK__CACHE") or _default_cache(environ, user),
            java=_path(environ, "KSEF_STACK__JAVA"),
            java_home=_path(environ, "JAVA_HOME"),
            search_path=environ.get("PATH") or os.defpath,
            maven_mirror=environ.get("KSEF_STACK__MAVEN_MIRROR") or None,
            pg_bin=_path(environ, "PG_BIN"),
            kafka_bootstrap=environ.get("KSEF_KAFKA__BOOTSTRAP_SERVERS") or None,
            postgres_dsn=_secret(environ, "KSEF_POSTGRES__DSN"),
        )


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name)
    return Path(value).expanduser().absolute() if value else None


def _secret(environ: Mapping[str, str], name: str) -> str | None:
    path = _path(environ, f"{name}_FILE")
    if path is None:
        return environ.get(name) or None
    try:
        return path.read_text("utf-8").rstrip("\n") or None
    except OSError as error:
        raise StackError(f"{name}_FILE: cannot read {path}: {error.strerror}") from error


def _default_directory(environ: Mapping[str, str], uid: int) -> Path:
    if uid == 0:
        # PostgreSQL refuses root and runs as another user, who may not look into root's home.
        return Path("/var/lib") / f"{_NAME}-stack"
    state = _xdg(environ, "XDG_STATE_HOME", below_home=".local/state")
    return state / f"{_NAME}-stack" if state else _temporary(f"{_NAME}-{uid}-stack")


def _default_cache(environ: Mapping[str, str], uid: int) -> Path:
    cache = _xdg(environ, "XDG_CACHE_HOME", below_home=".cache")
    return cache / _NAME if cache else _temporary(f"{_NAME}-{uid}-cache")


def _xdg(environ: Mapping[str, str], variable: str, *, below_home: str) -> Path | None:
    """The directory by the XDG rules; None when there is no home that can be written to."""
    if value := _path(environ, variable):
        return value
    home = _path(environ, "HOME")
    return home / below_home if home and os.access(home, os.W_OK | os.X_OK) else None


def _temporary(name: str) -> Path:
    # One level below the shared directory, so that the ownership check of private_directory covers all of it.
    return Path(tempfile.gettempdir()) / name
