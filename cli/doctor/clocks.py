"""This machine's clock against others: tokens, legal days and everybody's logs rest on them agreeing."""

from datetime import datetime, timedelta

from cli.doctor.findings import Finding, Findings, ok, problem, warning
from cli.doctor.installation import APPLICATION, Installation
from runtime.db import connect

WARN_SECONDS = 5.0
PROBLEM_SECONDS = 60.0

_NOW = "select clock_timestamp()"


async def clock(installation: Installation) -> Findings:
    """This machine against PostgreSQL."""
    connection = await connect(installation.settings.postgres, application_name=APPLICATION)
    try:
        before = installation.clock()
        theirs: datetime = await connection.fetchval(_NOW)
        after = installation.clock()
    finally:
        await connection.close()
    yield compared("PostgreSQL's", theirs, between=(before, after))


def compared(whose: str, theirs: datetime, *, between: tuple[datetime, datetime]) -> Finding:
    """Another clock that showed ``theirs`` somewhere ``between`` two moments of ours."""
    before, after = between
    skew = theirs - before - (after - before) / 2
    seconds = abs(skew) / timedelta(seconds=1)
    text = f"this machine's clock is {seconds:.1f} s {'behind' if skew > timedelta() else 'ahead of'} {whose}"
    mend = "synchronise both machines' clocks (chrony, systemd-timesyncd)"
    if seconds >= PROBLEM_SECONDS:
        return problem(text, mend=mend)
    if seconds >= WARN_SECONDS:
        return warning(text, mend=mend)
    return ok(f"this machine's clock agrees with {whose}")
