"""Whether Kafka lets a worker do its job: the topics it needs exist, and it may read and write them.

Invariant: a worker consumes nothing before all that every source shares is there and granted. It waits, and
says in ``/readyz`` what is missing and which command puts it right; nobody has to restart it. A topic of one
source that is missing holds up nobody else: that is a warning in the log.

What a worker needs is what :func:`runtime.acl.wanted` grants it, so that the two cannot differ.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupAuthorizationFailedError

from runtime import acl, log, metrics
from runtime.acl import Acl, Resource
from runtime.acl_requests import allowed
from runtime.loops import Stopping, repeat
from runtime.settings import KafkaSettings

AGAIN_SECONDS = 1.0
WATCH_SECONDS = 30.0
_MANY = 3

logger = log.get(__name__)


class Grants:
    """Looks until everything is there, and goes on looking. ``sources`` are those configured now."""

    def __init__(
        self,
        client: AIOKafkaClient,
        settings: KafkaSettings,
        *,
        worker: str,
        sources: Callable[[], Collection[str]],
    ) -> None:
        self.given = asyncio.Event()
        """Set as soon as the worker may consume; stays set."""
        self.missing: list[str] = ["its topics on Kafka have not been looked at yet"]
        """Why the worker cannot work, for people."""
        self._client = client
        self._settings = settings
        self._worker = worker
        self._sources = sources
        self._said: list[str] = []

    async def watch(self, stopping: Stopping) -> None:
        """The loop; waits for a broker that is away."""
        await repeat("grants", self._look, stopping=stopping)

    async def _look(self) -> float:
        shared = self._needs(())
        one_sources = [need for need in self._needs(self._sources()) if need not in shared]
        self.missing = await self._problems(shared)
        of_sources = await self._problems(one_sources)
        metrics.MISSING.labels(self._worker).set(len(self.missing) + len(of_sources))
        self._say([*self.missing, *of_sources])
        if self.missing:
            return AGAIN_SECONDS
        self.given.set()
        return WATCH_SECONDS

    def _needs(self, sources: Iterable[str]) -> list[Acl]:
        prefix = self._settings.topic_prefix
        principal = acl.worker_principal(self._worker, prefix=prefix)
        return [need for need in acl.wanted(sources=sources, prefix=prefix) if need.principal == principal]

    async def _problems(self, needs: Collection[Acl]) -> list[str]:
        topics = sorted({need.name for need in needs if need.resource is Resource.TOPIC})
        may = await allowed(self._client, topics) if topics else {}
        problems = [
            f"topic {topic} does not exist: run `ksef-courier topics apply`"
            for topic in topics
            if may[topic] is None
        ]
        for need in needs:
            match need.resource:
                case Resource.TOPIC:
                    operations = may[need.name]
                    refused = operations is not None and need.operation not in operations
                case Resource.GROUP:
                    refused = not await self._may_join(need.name)
                case _:
                    raise AssertionError(f"a worker needs no right on {need.resource.name.lower()}")
            if refused:
                problems.append(self._refused(need))
        return problems

    async def _may_join(self, group: str) -> bool:
        try:
            await self._client.coordinator_lookup(CoordinationType.GROUP, group)
        except GroupAuthorizationFailedError:
            return False
        return True

    def _refused(self, need: Acl) -> str:
        user = self._settings.sasl_username
        who = f"User:{user}" if user else "this worker's principal"
        what = f"{need.operation.title} on {need.resource.name.lower()} {need.name}"
        return f"{who} lacks {what}: run `ksef-courier topics acl --apply`"

    def _say(self, problems: list[str]) -> None:
        if problems != self._said:
            self._said = problems
            if problems:
                logger.warning("kafka_does_not_let_us", problems=problems)
            else:
                logger.info("kafka_lets_us")


def in_short(problems: list[str]) -> str:
    """The first few, and how many more."""
    more = len(problems) - _MANY
    return "; ".join([*problems[:_MANY], *([f"and {more} more, see the log"] if more > 0 else [])])
