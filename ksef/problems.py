"""Reading error bodies: both of KSeF's formats, and whatever gateways put in their place.

Invariant: never raises. What cannot be read is simply absent; the status line has said the main thing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ksef.errors import Problem

# Validator messages quote the document; more than this helps nobody and floods logs.
_MAX_TEXTS = 20
_MAX_TEXT_LENGTH = 1000
_MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error answer said. ``readable`` is False for an empty body, HTML and broken JSON."""

    readable: bool = False
    problems: tuple[Problem, ...] = ()
    reason_code: str | None = None
    detail: str = ""
    trace_id: str | None = None
    security: Mapping[str, Any] = field(default_factory=dict)


def read_error_body(body: bytes) -> ErrorBody:
    """Read a ``problem+json`` body, a legacy ``exception`` or ``status`` body, or nothing.

    The content type is ignored on purpose: gateways label HTML as JSON and JSON as text.
    """
    members = _json_object(body)
    if members is None:
        return ErrorBody()
    return ErrorBody(
        readable=True,
        problems=tuple(_problems(members)),
        reason_code=_text(members.get("reasonCode")) or None,
        detail=_text(members.get("detail")) or _text(members.get("title")),
        trace_id=_text(members.get("traceId")) or None,
        security=_object(members.get("security")),
    )


def _json_object(body: bytes) -> dict[str, Any] | None:
    if not body or len(body) > _MAX_BODY_BYTES:
        return None
    try:
        members = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return members if isinstance(members, dict) else None


def _problems(members: dict[str, Any]) -> Iterator[Problem]:
    for entry in _objects(members.get("errors")):
        yield from _problem(entry.get("code"), entry.get("description"), entry.get("details"))
    for entry in _objects(_object(members.get("exception")).get("exceptionDetailList")):
        yield from _problem(
            entry.get("exceptionCode"), entry.get("exceptionDescription"), entry.get("details")
        )
    status = _object(members.get("status"))
    yield from _problem(status.get("code"), status.get("description"), status.get("details"))


def _problem(code: object, description: object, details: object) -> Iterator[Problem]:
    if not isinstance(code, int) or isinstance(code, bool):
        return
    texts = details if isinstance(details, list) else []
    yield Problem(code, _text(description), tuple(_text(text) for text in texts[:_MAX_TEXTS]))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (entry for entry in value[:_MAX_TEXTS] if isinstance(entry, dict))


def _text(value: object) -> str:
    return value[:_MAX_TEXT_LENGTH] if isinstance(value, str) else ""
