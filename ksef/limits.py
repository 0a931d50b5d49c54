"""The limits that hold for one context: sizes and counts, and request rates. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ksef import wire

# KSeF states sizes in MB and means millions of bytes.
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one session takes."""

    max_invoice_bytes: int
    max_invoice_with_attachment_bytes: int
    max_invoices: int


@dataclass(frozen=True, slots=True)
class ContextLimits:
    online_session: SessionLimits
    batch_session: SessionLimits


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests allowed in a sliding second, minute and hour, all at once; None means no limit."""

    per_second: int | None
    per_minute: int | None
    per_hour: int | None


RateLimits: TypeAlias = Mapping[str, Rate]
"""By group, spelt as in ``RateGroup``; groups that this version does not know are kept."""


def context_limits_from(answer: wire.ContextLimits) -> ContextLimits:
    return ContextLimits(_session_limits(answer.online_session), _session_limits(answer.batch_session))


def _session_limits(answer: wire.SessionLimits) -> SessionLimits:
    return SessionLimits(
        answer.max_invoice_size_in_mb * _MB,
        answer.max_invoice_with_attachment_size_in_mb * _MB,
        answer.max_invoices,
    )


def rate_limits_from(answer: Mapping[str, object]) -> dict[str, Rate]:
    """Members that are no rates are left out: they belong to a later version of the contract."""
    return {group: rate for group, value in answer.items() if (rate := _rate(value)) is not None}


def _rate(value: object) -> Rate | None:
    if not isinstance(value, Mapping):
        return None
    windows = [value.get(name) for name in ("perSecond", "perMinute", "perHour")]
    counts = [window for window in windows if isinstance(window, int)]
    if len(counts) != len(windows):
        return None
    return Rate(*(count if count >= 0 else None for count in counts))
