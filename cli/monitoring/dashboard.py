"""``deploy/grafana/ksef-courier.json``: the panels as Grafana reads them."""

import json
from itertools import count
from pathlib import Path
from typing import Any

from cli.monitoring.panel import Panel, Query
from cli.monitoring.panels import ROWS

FILE = Path(__file__).parents[2] / "deploy" / "grafana" / "ksef-courier.json"

_WIDTH = 24
_PER_LINE = {"timeseries": 3, "stat": 6}
_HEIGHT = {"timeseries": 8, "stat": 5}
_OPEN = {"collapsed": False, "panels": []}
# Asked for when the dashboard is imported, and a choice on its top line afterwards.
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def text() -> str:
    """The whole file."""
    return json.dumps(_dashboard(), indent=1, ensure_ascii=False) + "\n"


def _dashboard() -> dict[str, Any]:
    return {
        "uid": "ksef-courier",
        "title": "ksef-courier",
        "description": "Generated from cli/monitoring/panels.py by `make generate`.",
        "tags": ["ksef-courier"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": _panels(),
    }


def _panels() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    numbers = count(1)
    top = 0
    for row in ROWS:
        place = {"x": 0, "y": top, "w": _WIDTH, "h": 1}
        made.append({"id": next(numbers), "type": "row", "title": row.title, "gridPos": place, **_OPEN})
        top += 1
        kind = row.panels[0].kind
        width, height = _WIDTH // _PER_LINE[kind], _HEIGHT[kind]
        for position, panel in enumerate(row.panels):
            line, column = divmod(position, _PER_LINE[kind])
            place = {"x": column * width, "y": top + line * height, "w": width, "h": height}
            made.append({"id": next(numbers), **_panel(panel), "gridPos": place})
        top += -(-len(row.panels) // _PER_LINE[kind]) * height
    return made


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": _OPTIONS[panel.kind],
        "targets": [_target(number, query) for number, query in enumerate(panel.queries)],
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
        "textMode": "auto",
    },
}


def _target(number: int, query: Query) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + number),
        "datasource": _SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "range": True,
    }
