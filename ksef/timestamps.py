"""KSeF's points in time: ISO 8601 with an offset and up to seven fractional digits.

Invariant: digits beyond microseconds are cut, never rounded up, so a parsed time is never later than the
original. Where a time is a watermark, keep the original text instead.
"""

import re
from datetime import UTC, datetime

_SHAPE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def parse_timestamp(text: str) -> datetime:
    """The moment in UTC. Raises ValueError for any other shape, a missing offset included."""
    if not _SHAPE.fullmatch(text):
        raise ValueError("not a point in time with an offset, e.g. 2026-07-11T12:23:56.0154302+00:00")
    return datetime.fromisoformat(text).astimezone(UTC)


def format_timestamp(moment: datetime) -> str:
    """The moment in UTC with six fractional digits. Raises ValueError if it has no offset."""
    if moment.tzinfo is None:
        raise ValueError("a point in time without an offset: KSeF would read it as Polish local time")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
