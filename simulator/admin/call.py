"""One call of the admin port, and its small helpers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from simulator.installation import Installation
from simulator.protocol.errors import NotFound, invalid_input
from simulator.protocol.reading import Parameters
from simulator.store.port import Store
from simulator.wire import Request

_PAGE_DEFAULT = 1000
_PAGE_MAXIMUM = 10_000


@dataclass(frozen=True, slots=True)
class AdminCall:
    request: Request
    now: datetime
    rng: Random
    store: Store
    site: Installation
    path: Mapping[str, str]

    def after(self) -> int:
        """The ``after`` parameter: the last ``seq`` already read."""
        return self._number("after", default=0, maximum=2**62)

    def limit(self) -> int:
        return self._number("limit", default=_PAGE_DEFAULT, maximum=_PAGE_MAXIMUM)

    def parameter(self, name: str) -> str | None:
        return Parameters(self.request).text(name)

    def number_in_path(self, name: str) -> int:
        value = self.path[name]
        if not value.isdecimal() or len(value) > 18:
            raise NotFound(f"{name} {value[:36]!r}: expected a number.")
        return int(value)

    def _number(self, name: str, *, default: int, maximum: int) -> int:
        value = self.parameter(name)
        if value is None:
            return default
        if not value.isdecimal() or len(value) > 18 or int(value) > maximum:
            raise invalid_input(f"'{name}' must be a number up to {maximum}.")
        return int(value)
