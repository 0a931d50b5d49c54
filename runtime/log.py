"""JSON log lines: a constant event name, ids as fields. Never a document, a token or a key."""

import logging
import re
import sys
import traceback
from typing import Any

import asyncpg
import structlog
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from structlog.typing import EventDict, WrappedLogger

Logger = structlog.stdlib.BoundLogger

# Libraries that say at INFO what our own lines already say, or log every reconnect attempt as an error.
_QUIET = {
    "aiokafka": logging.CRITICAL,
    "httpx": logging.WARNING,
    "uvicorn": logging.WARNING,
    "faststream": logging.ERROR,
}


def configure(*, service: str, level: str) -> None:
    """Send all logging of this process, ours and the libraries', to stdout as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _with(service=service),
        _frames_only,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_Discreet())
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)


def get(name: str) -> Logger:
    logger: Logger = structlog.stdlib.get_logger(name)
    return logger


def _with(**fields: str) -> Any:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {**fields, **event}

    return add


def describe(error: BaseException) -> str:
    """An exception in a few words that never quote a document: validators and databases quote their input."""
    name = type(error).__name__
    match error:
        case BaseExceptionGroup():
            return f"{name}: {'; '.join(describe(inner) for inner in error.exceptions)}"
        case ValidationError():
            problems = error.errors(include_input=False, include_context=False, include_url=False)
            where = ", ".join(map(_path, problems[:5]))
            return f"{name}: {error.error_count()} problems at {where}"
        case asyncpg.PostgresError():
            return f"{name}: {_postgres(error)}"
        case OSError() | TimeoutError():
            return f"{name}: {error}"
        case asyncpg.InterfaceError() if isinstance(error, ValueError):
            return name  # it quotes the argument that could not be encoded
        case _:
            text = str(error) if type(error).__module__.split(".")[0] in _SPEAK_SAFELY else ""
            return f"{name}{': ' if text else ''}{text}"


# Packages whose exception texts name things, not contents.
_SPEAK_SAFELY = {"runtime", "services", "ksef", "aiokafka", "asyncpg", "httpx"}
_FIELD_NAME = re.compile(r"\w{1,40}", re.ASCII)
_DATA_EXCEPTION = "22"


def _path(problem: ErrorDetails) -> str:
    """Where, as ``lines.2.rate``. Names that are the document's own text are not shown."""
    parts = list(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        parts[-1:] = ["…"]
    return ".".join(part if _FIELD_NAME.fullmatch(part) else "…" for part in parts)


def _postgres(error: asyncpg.PostgresError) -> str:
    """Its message only where that names tables and constraints; those of class 22 quote the value."""
    quotes_a_value = (error.sqlstate or "").startswith(_DATA_EXCEPTION)
    message = "a value was refused" if quotes_a_value or not error.args else error.args[0]
    return f"{message} ({error.sqlstate})"


class _Discreet(logging.Filter):
    """Libraries put exceptions into their messages: show those as we show ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(describe(a) if isinstance(a, BaseException) else a for a in record.args)
        if record.name == "asyncio" and isinstance(record.msg, str):
            # The first line says what happened; the others are the repr of a task and its exception.
            record.msg = record.msg.partition("\n")[0]
        return True


def _frames_only(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace ``exc_info`` by the stack's frames and the exception's type: its text may quote a document."""
    exc_info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if exc_info is True else exc_info
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["exception"] = type(error).__name__
        event["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event
