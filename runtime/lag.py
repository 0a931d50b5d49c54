"""How far a stage is behind its topics, in records and in seconds.

Records are counted by the watchdog, which asks Kafka over a connection of its own: the lag of a consumer that
has fallen silent still grows. Seconds are how long the oldest record of a batch had waited when it was taken,
by the broker's time and this machine's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from aiokafka import ConsumerRecord, TopicPartition

from runtime import metrics
from runtime._aiokafka import Standing
from runtime.errors import ConfigurationError
from runtime.topics import declared

UNDECLARED = "undeclared"


class Lag:
    """Keeps the two metrics of one stage. A topic that it has shown once stays, at 0 when nothing waits."""

    def __init__(self, service: str, *, topic_prefix: str) -> None:
        self._service = service
        self._prefix = topic_prefix
        self._shown: set[str] = set()

    def taken(self, records: Sequence[ConsumerRecord], *, now_seconds: float) -> None:
        """A batch was taken at ``now_seconds`` since 1970."""
        oldest: dict[str, int] = {}
        for record in records:
            oldest[record.topic] = min(record.timestamp, oldest.get(record.topic, record.timestamp))
        seconds: dict[str, float] = {}
        for topic, milliseconds in oldest.items():
            label = self._label(topic)
            seconds[label] = max(0.0, seconds.get(label, 0.0), now_seconds - milliseconds / 1000)
        for label, age in seconds.items():
            self._shown.add(label)
            metrics.LAG_SECONDS.labels(self._service, label).set(age)

    def measured(
        self, standings: Mapping[TopicPartition, Standing], ends: Mapping[TopicPartition, int]
    ) -> None:
        """Where the stage stands with its partitions, and where those end."""
        waiting: Counter[str] = Counter()
        for partition, standing in standings.items():
            waiting[self._label(partition.topic)] += _behind(standing, ends.get(partition))
        self._shown |= waiting.keys()
        for label in self._shown:
            metrics.LAG_RECORDS.labels(self._service, label).set(waiting[label])
            if not waiting[label]:
                metrics.LAG_SECONDS.labels(self._service, label).set(0)

    def _label(self, topic: str) -> str:
        try:
            return declared(topic.removeprefix(self._prefix)).name
        except ConfigurationError:
            return UNDECLARED


def _behind(standing: Standing, end: int | None) -> int:
    if end is None or standing.position is None:
        return 0
    return max(0, end - standing.position)
