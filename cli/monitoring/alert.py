"""What an alert is: a rule for Prometheus and its section of the runbook, as one value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cli.monitoring.checks import CHECKS
from runtime.coherence import Check

_UNITS = ((3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. ``critical``: a person is needed now; ``warning``: during the day.

    ``summary`` is the line that pages show, with Prometheus' ``{{ $labels.… }}``; the rest is the runbook's:
    what it means, what to look at (nothing beyond ``mend`` when empty), what to do.
    """

    name: str
    title: str
    expr: str
    lasting: str = "0m"
    """How long it must hold, as Prometheus writes durations."""
    severity: Literal["warning", "critical"]
    summary: str
    meaning: str
    look: str = ""
    mend: str
    grace: str = ""
    """How long the expression itself waits, for people."""

    @property
    def anchor(self) -> str:
        """Of its section, as Markdown renderers make it from the title."""
        kept = [letter for letter in self.title.lower() if letter.isalnum() or letter in " -_"]
        return "".join(kept).replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that are read together."""

    name: str
    title: str
    alerts: Sequence[Alert]


def of_checks() -> list[Alert]:
    """One alert for each coherence check."""
    return [_of_check(service, check) for service, checks in CHECKS.items() for check in checks]


def _of_check(service: str, check: Check) -> Alert:
    words = "".join(word.capitalize() for word in f"{service}-{check.name}".split("-"))
    return Alert(
        name=f"Ksef{words}",
        title=f"{service}: {check.name}",
        expr=f'max by (service, check) (ksef_incoherent{{service="{service}",check="{check.name}"}}) > 0',
        # Two looks, by default: what was mended meanwhile wakes nobody.
        lasting="2m",
        severity=check.severity,
        summary=f"{service}: {check.name} ({{{{ $value }}}} rows)",
        meaning=check.meaning,
        mend=check.mend,
        grace=_duration(check.grace_seconds) if check.grace_seconds else "",
    )


def _duration(seconds: float) -> str:
    """In the largest unit that divides it."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds / size:g} {unit}"
