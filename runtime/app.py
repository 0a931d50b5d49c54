"""One worker process: its connections, its stages and loops, its probes, its end.

Start: wait for PostgreSQL and Kafka, refuse a database of another version or KSeF environment, then consume.
End (SIGTERM, Ctrl-C): not ready, finish the batch in flight, commit, release leases, close. A loop that
fails, a client in doubt or a stage that is stuck ends the process in the same way, with an exit code of its
own. A second signal, or an end that takes too long, ends it at once; that is safe at any point, since no
cursor moves before its effects are durable.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from faststream.kafka import KafkaBroker

from runtime import _aiokafka, _faststream, log, metrics, migrate, watchdog
from runtime.coherence import Auditor, Check
from runtime.config import ConfigCache
from runtime.db import Database, open_database
from runtime.errors import ConfigurationError, ConsumerBroken, NoProgress, Refused
from runtime.failures import is_transient
from runtime.grants import Grants, in_short
from runtime.loops import Backoff, Stopping, repeat
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from runtime.probes import Health, Probes
from runtime.process import (
    END_SECONDS,
    EXIT_CONFIGURATION,
    EXIT_FAILED,
    EXIT_IN_DOUBT,
    STUCK_END_SECONDS,
    end_within,
    exit_code,
)
from runtime.producer import Producer, open_producer
from runtime.settings import Settings
from runtime.stage import Handler, Stage
from runtime.topics import source_pattern
from runtime.tracing import Tracing, open_tracing

READINESS_SECONDS = 2.0
PARTITIONS_SECONDS = 3600.0
DRAIN_SECONDS = 30.0

logger = log.get(__name__)
T = TypeVar("T")
Loop = Callable[[Stopping], Coroutine[Any, Any, None]]


class Worker:
    """What a service builds on: made by :func:`open_worker`, given stages and loops, then run."""

    def __init__(
        self,
        *,
        name: str,
        settings: Settings,
        database: Database,
        producer: Producer,
        tracing: Tracing,
        config: ConfigCache,
        health: Health,
    ) -> None:
        self.name = name
        self.settings = settings
        self.database = database
        self.producer = producer
        self.tracing = tracing
        self.config = config
        self.payloads = PayloadStore(database)
        self.owner = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self.stopping = Stopping()
        self._health = health
        self._grants = Grants(
            producer.connection, settings.kafka, worker=name, sources=lambda: config.current.sources
        )
        self._stages: list[Stage] = []
        self._consumers: list[Callable[[], AIOKafkaConsumer | None]] = []
        self._loops: dict[str, Loop] = {"config": lambda stopping: config.follow(stopping=stopping)}
        self._broker: KafkaBroker = _faststream.make_broker(
            settings.kafka, client_id=f"ksef-{name}", on_broken=self._stop_stages
        )

    def consume(self, handler: Handler, *, topics: Sequence[str] = (), per_source: str | None = None) -> None:
        """Consume ``topics``, or all topics of a ``<source>`` template, as the group ``ksef.<service>``."""
        prefix = self.settings.kafka.topic_prefix
        stage = Stage(
            service=self.name,
            producer=self.producer,
            handler=handler,
            topic_prefix=prefix,
            batch_seconds=self.settings.stage.batch_seconds,
        )
        consumer = _faststream.subscribe(
            self._broker,
            group=f"{prefix}ksef.{self.name}",
            topics=tuple(prefix + topic for topic in topics),
            pattern=None if per_source is None else source_pattern(per_source, prefix=prefix),
            listener=stage,
            generation=stage.generation,
            on_batch=stage.on_batch,
            session_timeout_seconds=self.settings.kafka.session_timeout_seconds,
        )
        self._stages.append(stage)
        self._consumers.append(consumer)

    def loop(self, name: str, loop: Loop) -> None:
        """Run ``loop`` until the process stops; its failure ends the process."""
        self._loops[name] = loop

    def relay(self, outbox: Outbox) -> None:
        """Move this service's outbox to Kafka."""
        self.loop("outbox", lambda stopping: outbox.relay(self.database, self.producer, stopping=stopping))

    def audit(self, checks: Sequence[Check]) -> None:
        """Look again and again whether this service's tables agree with each other."""
        auditor = Auditor(self.name, checks, interval_seconds=self.settings.coherence.interval_seconds)
        self.loop("coherence", lambda stopping: auditor.run(self.database, stopping=stopping))

    async def run(self) -> None:
        """Until a signal, or until something fails; raises what failed."""
        self._handle_signals()
        self.loop("partitions", self._make_partitions)
        self.loop("readiness", self._watch_readiness)
        self.loop("progress", self._watch_progress)
        self.loop("grants", self._grants.watch)
        tasks = [asyncio.create_task(loop(self.stopping), name=name) for name, loop in self._loops.items()]
        consuming = asyncio.create_task(self._consume())
        try:
            fatal = [stage.fatal for stage in self._stages]
            done, _ = await asyncio.wait([*tasks, consuming, *fatal], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._drain(tasks, consuming)
        for ended in done:
            ended.result()

    async def _consume(self) -> None:
        """Until the process is to stop. A start may last: it ends when the group has given us partitions."""
        if self._stages:
            await self._grants.given.wait()
            await self._broker.start()
        logger.info("worker_started", loops=sorted(self._loops), stages=len(self._stages))
        await self.stopping.wait()

    def _stop_stages(self, error: Exception) -> None:
        """A fetch cannot be parsed: settle nothing of it, and say which record it was."""
        where = [
            f"{partition.topic}[{partition.partition}] at offset {offset}"
            for consumer in self._consumers
            for partition, offset in _aiokafka.unreadable(consumer()).items()
        ]
        broken = ConsumerBroken(
            f"a fetch cannot be parsed ({log.describe(error)}): {', '.join(where) or 'place unknown'}. "
            "Nothing of it was settled. If a restart meets it again: keep a copy of that record, then move "
            "the group's offset past it (kafka-consumer-groups --reset-offsets --to-offset)"
        )
        for stage in self._stages:
            stage.fail(broken)

    def _handle_signals(self) -> None:
        def stop() -> None:
            if self.stopping:
                logger.warning("worker_killed", by="second signal")
                os._exit(1)
            self._health.ending = True
            logger.info("worker_stopping")
            self.stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)

    async def _drain(self, tasks: Sequence["asyncio.Task[None]"], consuming: "asyncio.Task[None]") -> None:
        self._health.ending = True
        self.stopping.set()
        if self._health.stuck:
            end_within(STUCK_END_SECONDS, code=EXIT_IN_DOUBT)
        else:
            end_within(END_SECONDS, code=EXIT_FAILED)
        for stage in self._stages:
            stage.stop()
        consuming.cancel()
        await asyncio.gather(consuming, return_exceptions=True)
        # It waits for the batch in flight, and for a broker that may be away. A task of its own, since the
        # client's own cancelled tasks may come out of it as our cancellation.
        stop = asyncio.ensure_future(self._broker.stop())
        _, late_stop = await asyncio.wait([stop], timeout=DRAIN_SECONDS)
        _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        for task in late_stop:
            task.cancel()
        for task in late:
            logger.warning("loop_cancelled", loop=task.get_name())
            task.cancel()
        await asyncio.gather(stop, *tasks, return_exceptions=True)

    async def _watch_readiness(self, stopping: Stopping) -> None:
        while not stopping:
            if any(_aiokafka.dead(consumer()) for consumer in self._consumers):
                raise ConsumerBroken("a background task of the Kafka consumer has ended")
            self._health.checked(await self._not_ready())
            await stopping.sleep(READINESS_SECONDS)

    async def _watch_progress(self, stopping: Stopping) -> None:
        limit_seconds = watchdog.BATCH_TIMES * self.settings.stage.batch_seconds
        watched = list(zip(self._stages, self._consumers, strict=True))
        try:
            await watchdog.watch(
                watched, settings=self.settings.kafka, limit_seconds=limit_seconds, stopping=stopping
            )
        except NoProgress as error:
            logger.critical("worker_stuck", error=log.describe(error))
            metrics.STUCK.labels(self.name).inc()
            self._health.stuck = str(error)
            for stage in self._stages:
                stage.fail(error)
            raise

    async def _not_ready(self) -> list[str]:
        reasons = []
        if self._grants.missing:
            reasons.append(in_short(self._grants.missing))
        elif not all(_aiokafka.joined(consumer()) for consumer in self._consumers):
            reasons.append("not a member of the consumer group yet")
        try:
            async with asyncio.timeout(READINESS_SECONDS):
                if not await self.database.is_writable():
                    reasons.append("the database takes no writes")
        except Exception as error:  # noqa: BLE001  whatever it is, it is the reason
            reasons.append(f"the database does not answer: {type(error).__name__}")
        return reasons

    async def _make_partitions(self, stopping: Stopping) -> None:
        async def step() -> float:
            for schema in (self.name, "payload", "operations"):
                await self.database.ensure_partitions(schema)
            return PARTITIONS_SECONDS

        await repeat("partitions", step, stopping=stopping)


@asynccontextmanager
async def open_worker(name: str, settings: Settings, *, packages: Sequence[str]) -> AsyncIterator[Worker]:
    """Open everything a worker needs, waiting for what is away. ``packages`` are those with migrations.

    Raises :class:`ConfigurationError` when waiting would not help.
    """
    health = Health()
    metrics.STARTED.labels(name).set_to_current_time()
    metrics.READY.labels(name).set_function(lambda: health.ready()[0])
    async with AsyncExitStack() as stack:
        ticking = asyncio.create_task(_tick(health))
        stack.callback(ticking.cancel)
        tracing = open_tracing(settings.tracing, service=name)
        stack.callback(tracing.shutdown)
        probes = Probes(health, settings.probe)
        probes.start()
        stack.callback(probes.stop)
        logger.info("probes_listening", address=probes.address)
        application = f"ksef-courier {name}"
        database = await _wait_for(
            "postgresql",
            health,
            lambda: _enter(stack, open_database(settings.postgres, application_name=application)),
        )
        # What was there a moment ago may be away again: nothing here is asked only once.
        await _wait_for("postgresql", health, lambda: _check_database(database, settings, packages))
        producer = await _wait_for(
            "kafka", health, lambda: _enter(stack, open_producer(settings.kafka, client_id=f"ksef-{name}"))
        )
        config = ConfigCache(database)
        await _wait_for("postgresql", health, config.refresh)
        yield Worker(
            name=name,
            settings=settings,
            database=database,
            producer=producer,
            tracing=tracing,
            config=config,
            health=health,
        )


async def _tick(health: Health) -> None:
    while True:
        health.tick()
        await asyncio.sleep(1)


async def _check_database(database: Database, settings: Settings, packages: Sequence[str]) -> None:
    async with database.connection() as connection:
        await migrate.check(connection, migrate.discover(packages), environment=settings.environment)


async def _enter(stack: AsyncExitStack, context: Any) -> Any:
    return await stack.enter_async_context(context)


async def _wait_for(what: str, health: Health, connect: Callable[[], Awaitable[T]]) -> T:
    backoff = Backoff(longest=5)
    while True:
        try:
            return await connect()
        except Exception as error:
            if not is_transient(error):
                raise
            health.checked([str(error) if isinstance(error, Refused) else f"{what} is away"])
            logger.warning("waiting_for", what=what, error=log.describe(error))
            await asyncio.sleep(backoff.next_seconds())


def main(name: str, load: Callable[[], Settings], serve: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
    """The body of a service's ``__main__``: load settings, configure logging, run until the end; exits."""
    try:
        settings = load()
        log.configure(service=name, level=settings.log.level)
        logger.info("settings", **settings.redacted())
        asyncio.run(serve(settings))
    except ConfigurationError as error:
        sys.stderr.write(f"ksef-courier {name}: {error}\n")
        sys.exit(EXIT_CONFIGURATION)
    except Exception as error:
        code = exit_code(error)
        logger.critical("worker_failed", error=log.describe(error), exit_code=code, exc_info=error)
        sys.exit(code)
