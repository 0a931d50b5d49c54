"""Method and path to a row of a table; a literal segment wins over a placeholder ``{name}``."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

from simulator.protocol.errors import MethodNotAllowed, NotFound


class Routed(Protocol):
    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...


Row = TypeVar("Row", bound=Routed)


class Routes(Generic[Row]):
    def __init__(self, rows: Sequence[Row]) -> None:
        self._by_length: dict[int, list[tuple[tuple[str, ...], Row]]] = {}
        for row in sorted(rows, key=_placeholders):
            pattern = tuple(row.path.strip("/").split("/"))
            self._by_length.setdefault(len(pattern), []).append((pattern, row))

    def find(self, method: str, path: str) -> tuple[Row, Mapping[str, str]]:
        """The row and the values of its placeholders.

        Raises ``NotFound`` for an unknown path, ``MethodNotAllowed`` for a known one.
        """
        segments = path.strip("/").split("/")
        fitting = []
        for pattern, row in self._by_length.get(len(segments), ()):
            values = _values(pattern, segments)
            if values is None:
                continue
            if row.method == method:
                return row, MappingProxyType(values)
            fitting.append(row.method)
        if fitting:
            raise MethodNotAllowed(tuple(sorted(set(fitting))))
        raise NotFound


def _placeholders(row: Routed) -> tuple[bool, ...]:
    return tuple(segment.startswith("{") for segment in row.path.strip("/").split("/"))


def _values(pattern: tuple[str, ...], segments: Sequence[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for expected, segment in zip(pattern, segments, strict=True):
        if expected == segment:
            continue
        if not expected.startswith("{"):
            return None
        values[expected[1:-1]] = segment
    return values
