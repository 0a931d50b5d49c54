"""What goes over the wire, as values: the core reads requests, returns answers, and never sees a socket.

Tokens travel in headers and bodies, so neither shows in a ``repr``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

Headers: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, whole.

    ``path`` is decoded and carries no query; header names are lower case, repeated headers are joined with
    ", "; ``origin`` is the address the caller used (``http://host:port``), the base of links in answers.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    client: str = "127.0.0.1"
    origin: str = "http://simulator.invalid"

    def header(self, name: str) -> str | None:
        return self.headers.get(name)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer. The shell waits ``delay_seconds`` before it writes a single byte."""

    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The connection is cut without a byte: the caller cannot know whether anything happened."""

    delay_seconds: float = 0.0


Answer: TypeAlias = Response | NoAnswer


def json_response(status: int, content: object, *, media_type: str = "application/json") -> Response:
    return Response(
        status=status,
        headers=(("content-type", media_type),),
        body=msgspec.json.encode(content),
    )


def empty_response(status: int) -> Response:
    return Response(status=status)
