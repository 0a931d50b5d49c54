"""How a metric is declared: its name, its meaning and, for each label, the closed set of its values.

Invariant: a label never holds an id, a NIP or a text, and nothing is counted under a name or value that is
not declared; the reference page, the dashboard and the alert rules are held against these declarations.

Counters start at zero for every value. Prometheus sees a rise only between two samples: a series that begins
with its first dead letter shows none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from types import MappingProxyType
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase


class Each(Enum):
    """Sets that are closed as well, but known only to whoever knows the whole installation."""

    WORKER = "the worker"
    TOPIC = "a topic that the worker reads, as `contracts/topics` names it; `undeclared` for any other"
    CHECK = "a coherence check of the worker"


Values = tuple[str, ...] | Each
"""The values that a label may have."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One declaration. ``name`` is without the suffixes that its series have."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: Mapping[str, Values]

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus finds it."""
        match self.kind:
            case "counter":
                return (f"{self.name}_total",)
            case "gauge":
                return (self.name,)
            case "histogram":
                return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))


# As prometheus_client's own registry, which does not keep what a label may be.
_DECLARED: dict[str, Metric] = {}


def declared() -> Mapping[str, Metric]:
    """Every metric that the modules imported so far have declared, by name."""
    return MappingProxyType(_DECLARED)


def counter(name: str, meaning: str, /, **labels: Values) -> Counter:
    """Declare a counter. Without a label for each worker it is at zero from now on."""
    made = Counter(name, meaning, tuple(labels))
    _DECLARED[name] = Metric(name, "counter", meaning, labels)
    if labels and not any(isinstance(values, Each) for values in labels.values()):
        _at_zero(made, labels.values())
    return made


def gauge(name: str, meaning: str, /, **labels: Values) -> Gauge:
    """Declare a gauge."""
    _DECLARED[name] = Metric(name, "gauge", meaning, labels)
    return Gauge(name, meaning, tuple(labels))


def histogram(name: str, meaning: str, /, *, buckets: Sequence[float], **labels: Values) -> Histogram:
    """Declare a histogram with the upper bounds of its buckets, in the unit of its name."""
    _DECLARED[name] = Metric(name, "histogram", meaning, labels)
    return Histogram(name, meaning, tuple(labels), buckets=buckets)


def begin_at_zero(*counters: Counter, worker: str) -> None:
    """Have the counters' series for this worker from now on."""
    for made in counters:
        sets = _DECLARED[_name(made)].labels.values()
        _at_zero(made, [(worker,) if values is Each.WORKER else values for values in sets])


def _at_zero(made: Counter, sets: Iterable[Values]) -> None:
    closed = [values for values in sets if not isinstance(values, Each)]
    for values in product(*closed):
        made.labels(*values)


def _name(made: MetricWrapperBase) -> str:
    (described,) = made.describe()
    return described.name
