"""Faults on order: which call goes wrong, and how. Counted, never drawn: the same calls meet the same faults.

A fault sees the calls that would have been handled: those refused for their token or their rate do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from simulator.wire import Headers, Response

ANY_OPERATION = "*"


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """Everything happens, then the connection is cut before the first byte of the answer."""


@dataclass(frozen=True, slots=True)
class AnswerInstead:
    """Nothing happens; this is the answer (a gateway that never reached KSeF)."""

    response: Response


@dataclass(frozen=True, slots=True)
class AnswerAfter:
    """Everything happens, but this is the answer (a gateway that gave up on KSeF too early)."""

    response: Response


@dataclass(frozen=True, slots=True)
class DelayAnswer:
    """Everything happens at once; the answer is held back."""

    seconds: float


Effect: TypeAlias = LoseAnswer | AnswerInstead | AnswerAfter | DelayAnswer


@dataclass(frozen=True, slots=True)
class Fault:
    """An order: let ``after`` matching calls pass, then spoil ``times`` of them (None: all that follow)."""

    operation: str
    effect: Effect
    context: str | None = None
    """The value of a context identifier, e.g. a NIP; None for every context."""
    after: int = 0
    times: int | None = 1
    id: int = 0
    seen: int = 0
    spoiled: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.spoiled >= self.times

    def concerns(self, operation: str, context: str | None) -> bool:
        return self.operation in (ANY_OPERATION, operation) and self.context in (None, context)


@dataclass(slots=True)
class FaultPlan:
    """The faults in force, oldest order first."""

    _faults: list[Fault] = field(default_factory=list)
    _last_id: int = 0

    def arm(self, fault: Fault) -> Fault:
        self._last_id += 1
        armed = replace(fault, id=self._last_id, seen=0, spoiled=0)
        self._faults.append(armed)
        return armed

    def armed(self) -> Sequence[Fault]:
        """Every order given and not withdrawn, spent ones included: their counts are worth reading."""
        return tuple(self._faults)

    def withdraw(self, fault_id: int) -> bool:
        kept = [fault for fault in self._faults if fault.id != fault_id]
        found = len(kept) < len(self._faults)
        self._faults = kept
        return found

    def withdraw_all(self) -> None:
        self._faults.clear()

    def take(self, operation: str, context: str | None) -> Effect | None:
        """Count a call with every fault it concerns; the oldest that is due spoils it."""
        effect: Effect | None = None
        for index, fault in enumerate(self._faults):
            if not fault.concerns(operation, context):
                continue
            seen = replace(fault, seen=fault.seen + 1)
            if effect is None and seen.seen > seen.after and not seen.spent:
                effect = seen.effect
                seen = replace(seen, spoiled=seen.spoiled + 1)
            self._faults[index] = seen
        return effect


def gateway_page(status: int, *, headers: Headers = ()) -> Response:
    """An HTML error page as a gateway writes it: no JSON, no trace of KSeF."""
    body = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return Response(
        status=status,
        headers=(("content-type", "text/html; charset=utf-8"), *headers),
        body=body.encode(),
    )
