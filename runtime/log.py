"""JSON log lines: a constant event name, ids as fields. Never a document, a token or a key."""

import logging
import sys
import traceback
from typing import Any

import asyncpg
import structlog
from pydantic import ValidationError
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
    match error:
        case ValidationError():
            where = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors()[:5])
            return f"ValidationError: {error.error_count()} problems at {where}"
        case asyncpg.PostgresError():
            return f"{type(error).__name__}: {error.args[0] if error.args else ''} ({error.sqlstate})"
        case OSError() | TimeoutError():
            return f"{type(error).__name__}: {error}"
        case _:
            text = str(error) if type(error).__module__.split(".")[0] in _SPEAK_SAFELY else ""
            return f"{type(error).__name__}{': ' if text else ''}{text}"


# Packages whose exception texts name things, not contents.
_SPEAK_SAFELY = {"runtime", "services", "ksef", "aiokafka", "asyncpg", "httpx"}


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
