"""The progress watchdog: a consumer that could go on and does not ends its worker, to be started again.

aiokafka's consumers can fall silent for good (after a stalled event loop, a restarted broker, a rejoin), and
a handler can hang in a way that no timeout reaches. Neither raises. What is looked for: Kafka answers
somebody else, has records beyond the position, and nothing moves for twice a batch's time.

Invariant: an outage never trips it. While Kafka does not answer nothing is expected, and a stage that pauses
after an error (PostgreSQL, KSeF, a person) makes progress by intent.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from runtime import _aiokafka
from runtime._aiokafka import Standing
from runtime.errors import NoProgress
from runtime.kafka import connection_options, stop_quietly
from runtime.loops import Stopping
from runtime.settings import KafkaSettings
from runtime.stage import Pulse, Stage

BATCH_TIMES = 2
"""How many times a batch's own bound may pass without a sign of life; more than any sound attempt takes."""
LOOKS_PER_LIMIT = 4
ANSWER_SECONDS = 10.0

Watched = tuple[Stage, Callable[[], AIOKafkaConsumer | None]]


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of one stage at a moment. ``ends`` are Kafka's words, asked over a connection apart."""

    stage: Pulse
    partitions: Mapping[TopicPartition, Standing]
    ends: Mapping[TopicPartition, int]
    rejoining: int | None = None


class Watch:
    """How long each suspicion about one stage has held. Pure: time and sight are given."""

    def __init__(self, *, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._since: dict[tuple[str, object], float] = {}

    def observe(self, sight: Sight | None, *, now: float) -> str | None:
        """What has been stuck for too long, if anything. None for a sight: Kafka did not answer."""
        held = dict(_suspicions(sight)) if sight is not None else {}
        self._since = {key: self._since.get(key, now) for key in held}
        overdue = [held[key] for key, since in self._since.items() if now - since >= self._limit_seconds]
        return "; ".join(overdue) or None


def _suspicions(sight: Sight) -> Iterator[tuple[tuple[str, object], str]]:
    """What looks stuck at this moment. A key holds what progress would change: another key, another clock."""
    if sight.stage.resting:
        return
    behind = {
        partition: standing
        for partition, standing in sight.partitions.items()
        if not standing.paused and _is_behind(standing, sight.ends.get(partition))
    }
    if sight.rejoining is not None:
        yield ("rejoin", sight.rejoining), f"the group was to be joined again (generation {sight.rejoining})"
    if sight.stage.busy:
        yield ("batch", sight.stage.turns), "a batch is in hand and the handler does not come back"
    elif behind:
        yield ("stage", sight.stage.turns), f"records wait in {len(behind)} partitions and none is taken"
    for partition, standing in behind.items():
        # Records that the client has already fetched wait for the stage, which is looked at by itself.
        if not standing.waiting:
            key = (partition, standing.position, sight.stage.given_back)
            where = f"{partition.topic}[{partition.partition}] stands at {standing.position}"
            yield ("fetch", key), f"{where}, its end is {sight.ends.get(partition)}, and nothing is fetched"


def _is_behind(standing: Standing, end: int | None) -> bool:
    return end is not None and (standing.position is None or standing.position < end)


async def watch(
    watched: Sequence[Watched], *, settings: KafkaSettings, limit_seconds: float, stopping: Stopping
) -> None:
    """Look until the process stops. Raises :class:`NoProgress`."""
    watches = [(Watch(limit_seconds=limit_seconds), stage, consumer) for stage, consumer in watched]
    while not stopping:
        await stopping.sleep(limit_seconds / LOOKS_PER_LIMIT)
        for one, stage, consumer in watches:
            sight = await _look(stage, consumer(), settings)
            if sight is not None:
                stage.lag.measured(sight.partitions, sight.ends)
            stuck = one.observe(sight, now=time.monotonic())
            if stuck is not None:
                raise NoProgress(f"no progress for {limit_seconds:g} s although Kafka answers: {stuck}")


async def _look(stage: Stage, consumer: AIOKafkaConsumer | None, settings: KafkaSettings) -> Sight | None:
    ends = await _ends(settings, set(_aiokafka.standings(consumer)))
    if ends is None:
        return None
    return Sight(
        stage=stage.pulse(),
        partitions=_aiokafka.standings(consumer),
        ends=ends,
        rejoining=_aiokafka.rejoining(consumer),
    )


async def _ends(
    settings: KafkaSettings, partitions: Collection[TopicPartition]
) -> Mapping[TopicPartition, int] | None:
    """Where the partitions end, asked by a newcomer; None when Kafka does not say."""
    newcomer = AIOKafkaConsumer(enable_auto_commit=False, **connection_options(settings))
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await newcomer.start()
            ends: Mapping[TopicPartition, int] = await newcomer.end_offsets(partitions)
            return ends
    except (KafkaError, OSError, TimeoutError):
        return None
    finally:
        await stop_quietly(newcomer)
