"""``docs/reference/metrics.md``: every metric, as declared in the code."""

from collections.abc import Iterator
from pathlib import Path

from cli.monitoring.catalogue import MODULES, metrics_of, workers_of
from runtime.declared import Each, Metric, Values
from services import WORKERS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"

_HEAD = """\
<!-- generated from runtime/metrics.py and services/*/metrics.py by `make generate`: do not edit -->

# Metrics

Every worker shows its own at `/metrics` (`KSEF_PROBE__HOST`, `__PORT`), for Prometheus. A counter's series
ends in `_total`, a histogram has `_bucket`, `_count` and `_sum`; times are in seconds. Labels have the values
named here and no others: never a document, a company or a text. Counters are there, at zero, from the start.
[Alerts](../operations/alerts.md) and `deploy/grafana/ksef-courier.json` are built on these; beside them are
the `process_…` and `python_…` metrics of the Python client.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"\n{section}" for section in _sections())


def _sections() -> Iterator[str]:
    for worker, module in MODULES.items():
        title = f"Of {worker}" if worker else "Of every worker"
        rows = "".join(_row(metric) for metric in metrics_of(module))
        yield f"## {title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n{rows}"


def _row(metric: Metric) -> str:
    name = metric.series[0] if metric.kind == "counter" else metric.name
    labels = "<br>".join(f"`{label}`: {_told(values)}" for label, values in metric.labels.items())
    return f"| `{name}` | {metric.kind} | {labels} | {metric.meaning}{_only(metric)} |\n"


def _told(values: Values) -> str:
    return values.value if isinstance(values, Each) else ", ".join(values)


def _only(metric: Metric) -> str:
    """Who has it, where the section's title says too much."""
    workers = workers_of(metric)
    if metric not in metrics_of(MODULES[""]) or tuple(workers) == WORKERS:
        return ""
    return f" Only: {', '.join(workers)}."
