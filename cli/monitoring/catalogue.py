"""All metrics of all workers: who has them, and which values their labels have.

Invariant: a series that a running worker shows is in here (tests/e2e/test_thread.py scrapes all of them).
"""

from collections.abc import Mapping, Sequence
from types import ModuleType

from cli.monitoring.checks import CHECKS
from runtime import metrics as kit
from runtime.declared import Each, Metric, Values, declared
from runtime.lag import UNDECLARED
from runtime.topics import table
from services import WORKERS
from services.intake import metrics as intake
from services.mapper import metrics as mapper
from services.sender import metrics as sender
from services.tracker import metrics as tracker
from services.validator import metrics as validator

MODULES: Mapping[str, ModuleType] = {
    "": kit,
    "intake": intake,
    "mapper": mapper,
    "validator": validator,
    "sender": sender,
    "tracker": tracker,
}
"""Where metrics are declared: those of the kit, and each worker's own."""

# Of the kit's metrics, those that only some workers have.
_ONLY: Mapping[str, Sequence[str]] = {
    "ksef_outbox_": ("validator", "sender", "tracker"),
    "ksef_leases_": ("sender",),
    "ksef_incoherent": tuple(CHECKS),
    "ksef_coherence_": tuple(CHECKS),
}


def metrics_of(module: ModuleType) -> list[Metric]:
    """The declarations of one module, in its order."""
    made = [value for value in vars(module).values() if hasattr(value, "describe")]
    return [declared()[value.describe()[0].name] for value in made]


CATALOGUE: Mapping[str, Metric] = {
    metric.name: metric for module in MODULES.values() for metric in metrics_of(module)
}
"""Every metric, by name."""

SERIES: Mapping[str, Metric] = {name: metric for metric in CATALOGUE.values() for name in metric.series}
"""The same, by the names that Prometheus knows."""


def workers_of(metric: Metric) -> Sequence[str]:
    """The workers that have it."""
    for worker, module in MODULES.items():
        if worker and metric in metrics_of(module):
            return (worker,)
    return next((only for prefix, only in _ONLY.items() if metric.name.startswith(prefix)), WORKERS)


def values_of(metric: Metric, label: str) -> frozenset[str]:
    """Every value that the label may have."""
    values: Values = metric.labels[label]
    match values:
        case Each.WORKER:
            return frozenset(workers_of(metric))
        case Each.TOPIC:
            return frozenset({UNDECLARED, *(topic.name for topic in table())})
        case Each.CHECK:
            return frozenset(check.name for checks in CHECKS.values() for check in checks)
        case _:
            return frozenset(values)
