"""The alert page: what each coherence check means and what to do, written from the checks themselves.

python -m cli.alerts    writes the generated part of docs/operations/alerts.md again
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from runtime.coherence import Check
from services.intake import coherence as intake
from services.sender import coherence as sender
from services.sender.settings import SenderOptions
from services.tracker import coherence as tracker
from services.tracker.settings import TrackerOptions
from services.validator import coherence as validator

PAGE = Path(__file__).parents[1] / "docs" / "operations" / "alerts.md"
BEGIN = "<!-- generated from services/*/coherence.py by `make generate`: do not edit -->\n"
END = "<!-- end of the generated part -->\n"
_UNITS = ((3600, "h"), (60, "min"), (1, "s"))

CHECKS: Mapping[str, Sequence[Check]] = {
    "intake": intake.checks(),
    "validator": validator.checks(),
    "sender": sender.checks(SenderOptions()),
    "tracker": tracker.checks(TrackerOptions()),
}
"""All checks of all services, with the limits that hold unless settings say otherwise."""


def with_checks(page: str) -> str:
    """The page with its generated part as the code says. Raises ValueError for a page without the marks."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN!r} or {END!r}")
    return head + begin + "\n" + "\n".join(_entries()) + "\n" + end + tail


def _entries() -> Iterator[str]:
    for service, checks in CHECKS.items():
        for check in checks:
            grace = f", after {_duration(check.grace_seconds)}" if check.grace_seconds else ""
            yield f"### {service}: {check.name}\n"
            labels = f'service="{service}",check="{check.name}"'
            yield f"`ksef_incoherent{{{labels}}} > 0` ({check.severity}{grace})\n"
            yield f"{check.meaning}\n"
            yield f"**What to do.** {check.mend}\n"


def _duration(seconds: float) -> str:
    """In the largest unit that divides it."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds / size:g} {unit}"


if __name__ == "__main__":
    PAGE.write_text(with_checks(PAGE.read_text("utf-8")), "utf-8")
