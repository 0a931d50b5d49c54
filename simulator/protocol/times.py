"""Points in time as KSeF writes and reads them. Every ``datetime`` here is aware."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

WARSAW = ZoneInfo("Europe/Warsaw")

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?")


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with seven fractional digits, as .NET writes it.

    The seventh digit repeats the sixth: clients must truncate it, never round up, so it must not be zero.
    """
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{text[:26]}{text[25]}{text[26:]}"


def local_timestamp(moment: datetime) -> str:
    """ISO 8601 in Polish local time with milliseconds and offset: the form used inside a UPO."""
    return moment.astimezone(WARSAW).isoformat(timespec="milliseconds")


def warsaw_day(moment: datetime) -> date:
    """The legal day of a moment: invoices are dated in Polish time."""
    return moment.astimezone(WARSAW).date()


def parse_timestamp(text: str) -> datetime:
    """Read a date-time parameter; fractions are truncated to microseconds, no offset means Polish time.

    Raises ``ValueError`` for anything else, a bare date included.
    """
    if _DATE_TIME.fullmatch(text) is None:
        raise ValueError("expected an ISO 8601 date-time, e.g. 2026-11-20T09:15:00Z")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=WARSAW)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("expected a date-time of the years 1 to 9999") from error
