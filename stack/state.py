"""What is known about a started stack: one JSON file, readable by its user only, replaced as a whole."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stack.errors import NotOurs
from stack.processes import Process

_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class KafkaState:
    """``process`` is None after an orderly stop; otherwise it may be alive or not."""

    port: int
    controller_port: int
    process: Process | None = None


@dataclass(frozen=True, kw_only=True)
class PostgresState:
    """``durable`` is how the running (or last) server was started."""

    port: int
    password: str = field(repr=False)
    durable: bool
    process: Process | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """A part is None as long as it was never started here."""

    kafka: KafkaState | None = None
    postgres: PostgresState | None = None


def load(path: Path) -> State:
    """An absent file is the empty state. Raises :class:`NotOurs` when it is not what :func:`save` writes."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return State()
    except ValueError as error:
        raise _unreadable(path) from error
    try:
        return _state(content)
    except (AttributeError, KeyError, TypeError) as error:
        raise _unreadable(path) from error


def save(path: Path, state: State) -> None:
    """Replace the file: a reader sees the old state or the new one."""
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"version": _VERSION} | asdict(state), file, indent=1)
    partial.replace(path)


def _state(content: dict[str, Any]) -> State:
    if content["version"] != _VERSION:
        raise KeyError("version")
    kafka, postgres = content["kafka"], content["postgres"]
    return State(
        kafka=KafkaState(**_with_process(kafka)) if kafka else None,
        postgres=PostgresState(**_with_process(postgres)) if postgres else None,
    )


def _with_process(part: dict[str, Any]) -> dict[str, Any]:
    process = part.get("process")
    return part | {"process": Process(**process) if process else None}


def _unreadable(path: Path) -> NotOurs:
    return NotOurs(
        f"{path} was not written by this version: stop what it names (pids inside), then remove {path.parent}"
    )
