"""The generated parts of ``docs/operations/alerts.md``: a section for each alert, by group."""

from collections.abc import Iterator
from pathlib import Path

from cli.monitoring.alert import Alert, Group
from cli.monitoring.alerts import GROUPS

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "alerts.md"


def with_alerts(page: str) -> str:
    """The page with its generated parts as the code says. Raises ValueError for a page without the marks."""
    for group in GROUPS:
        begin, end = marks(group)
        head, found, rest = page.partition(begin)
        _, ended, tail = rest.partition(end)
        if not found or not ended:
            raise ValueError(f"the page lacks {begin!r} or {end!r}")
        page = head + begin + "\n" + "\n".join(_sections(group)) + "\n" + end + tail
    return page


def marks(group: Group) -> tuple[str, str]:
    """What stands before and after the part of a group."""
    where = "cli/monitoring/alerts.py and services/*/coherence.py"
    begin = f"<!-- {group.name}: generated from {where} by `make generate`: do not edit -->\n"
    return begin, f"<!-- {group.name}: end of the generated part -->\n"


def _sections(group: Group) -> Iterator[str]:
    for alert in group.alerts:
        yield f"### {alert.title}\n"
        yield f"`{alert.name}` ({alert.severity}{_when(alert)})\n"
        yield f"```promql\n{alert.expr}\n```\n"
        yield f"{alert.meaning}\n"
        if alert.look:
            yield f"**What to look at.** {alert.look}\n"
        yield f"**What to do.** {alert.mend}\n"


def _when(alert: Alert) -> str:
    lasting = "" if alert.lasting == "0m" else f", for {alert.lasting}"
    return f"{lasting}, after {alert.grace}" if alert.grace else lasting
