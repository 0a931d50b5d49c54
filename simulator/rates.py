"""Request limits as numbers: the groups, their production values, and the switch between them.

KSeF counts per (context, client address) and group over the last second, minute and hour at once; public
calls count per address. -1 means no limit. Values: KSeF API 2.9.0, `GET /rate-limits`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests per sliding second, minute and hour; -1 for no limit."""

    per_second: int
    per_minute: int = UNLIMITED
    per_hour: int = UNLIMITED

    def times(self, factor: float) -> "Rates":
        return Rates(*(_scaled(value, factor) for value in (self.per_second, self.per_minute, self.per_hour)))


RateTable: TypeAlias = Mapping[str, Rates]

PRODUCTION: RateTable = {
    "onlineSession": Rates(10, 30, 120),
    "onlineSessionClose": Rates(20, 60, 240),
    "batchSession": Rates(10, 20, 60),
    "batchSessionClose": Rates(20, 40, 120),
    "invoiceSend": Rates(10, 30, 180),
    "invoiceStatus": Rates(30, 120, 1200),
    "sessionList": Rates(5, 10, 60),
    "sessionInvoiceList": Rates(10, 20, 200),
    "sessionMisc": Rates(10, 120, 1200),
    "invoiceMetadata": Rates(8, 16, 20),
    "invoiceExport": Rates(8, 16, 20),
    "invoiceExportStatus": Rates(10, 60, 600),
    "invoiceDownload": Rates(8, 16, 64),
    "collectiveIdentifier": Rates(20, 120, 240),
    "other": Rates(10, 30, 120),
    "anonymous": Rates(60),
    "global": Rates(75),
}

SETTABLE = tuple(
    group
    for group in PRODUCTION
    if group not in ("onlineSessionClose", "batchSessionClose", "anonymous", "global")
)
"""The groups that `POST /testdata/rate-limits` sets."""

OFF: RateTable = {group: Rates(UNLIMITED) for group in PRODUCTION}


def rates_named(name: str) -> RateTable:
    """``production``, ``off`` or a positive factor on the production values, e.g. ``10`` or ``0.5``.

    Raises ``ValueError`` saying what is possible.
    """
    if name == "production":
        return PRODUCTION
    if name == "off":
        return OFF
    try:
        factor = float(name)
    except ValueError:
        factor = 0.0
    if not 0.0 < factor < 1e6:
        raise ValueError(f"limits {name!r}: expected production, off, or a positive factor such as 10 or 0.5")
    return {group: rates.times(factor) for group, rates in PRODUCTION.items()}


def _scaled(value: int, factor: float) -> int:
    return value if value == UNLIMITED else max(1, int(value * factor))
