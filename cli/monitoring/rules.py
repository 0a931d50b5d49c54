"""``deploy/prometheus/ksef-courier.rules.yaml``: the alerts as Prometheus reads them."""

from pathlib import Path
from typing import Any

import yaml

from cli.monitoring.alert import Alert
from cli.monitoring.alerts import GROUPS

FILE = Path(__file__).parents[2] / "deploy" / "prometheus" / "ksef-courier.rules.yaml"
RUNBOOK = "docs/operations/alerts.md"

_HEAD = (
    "# Generated from cli/monitoring/alerts.py and services/*/coherence.py by `make generate`: do not edit.\n"
)


def text() -> str:
    """The whole file."""
    groups = [{"name": group.name, "rules": [_rule(alert) for alert in group.alerts]} for group in GROUPS]
    return _HEAD + yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=110)


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.lasting,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "runbook": f"{RUNBOOK}#{alert.anchor}"},
    }
