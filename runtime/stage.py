"""The one subscriber shape: consume → decide → publish → settle.

Invariant: an offset is committed only after every effect of the records before it is durable, in the order
effects in PostgreSQL (the handler) → records confirmed by Kafka → commit. A crash between any two repeats
work and loses none; handlers and consumers therefore decide by unique keys, never by "this comes first".

* A batch is up to 500 records and 8 MiB. Records are decoded one by one by the handler: a bad one becomes a
  dead letter and costs the others nothing.
* ``Retry`` gives back one partition, from that record on, and pauses it; other partitions go on.
* An error that waiting can mend gives the whole batch back and pauses the stage, for longer each time. An
  error that waiting cannot mend is looked for record by record, and ends as that record's dead letter.
* When partitions are taken away, the batch in flight is finished and committed first. A commit that the group
  refuses anyway means that the records come again, to us or to somebody else.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from contracts.events import dead_letter_topic
from runtime import log, metrics
from runtime._faststream import Fetched
from runtime.errors import is_transient
from runtime.producer import Producer, ProducerStuck
from runtime.records import DeadLetter, Done, Inbound, Outbound, Outcome, Retry

Handler = Callable[[Sequence[Inbound]], Awaitable[Sequence[Outcome]]]
"""Decides a batch: one outcome per record, in order. May be called again with the same records."""

CHUNK_BYTES = 8 * 1024 * 1024
BATCH_SECONDS = 60.0
COMMIT_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
ATTEMPTS_BEFORE_DEAD_LETTER = 3

logger = log.get(__name__)


class Stage(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Consumes for one service. ``fatal`` is set when the process should end (see ``runtime.producer``)."""

    def __init__(self, *, service: str, producer: Producer, handler: Handler, topic_prefix: str = "") -> None:
        self.service = service
        self.fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._producer = producer
        self._handler = handler
        self._prefix = topic_prefix
        self._generation = 0
        self._in_flight = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._failures = 0
        self._kept_back: set[TopicPartition] = set()
        self._rng = random.Random()  # noqa: S311  jitter

    def generation(self) -> int:
        """Counts rebalances: a batch fetched under an older one is not ours any more."""
        return self._generation

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Called before the group is joined again, heartbeats going on: finish what is in flight."""
        async with self._in_flight:
            self._generation += 1
        if revoked:
            metrics.REBALANCES.labels(self.service).inc()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        logger.info("partitions_assigned", partitions=len(assigned))

    def stop(self) -> None:
        """End pauses at once; the batch in flight is still finished."""
        self._stopping.set()

    async def on_batch(self, fetched: Fetched) -> None:
        """Settle one fetch. Raises nothing: what goes wrong is given back and comes again."""
        started = time.monotonic()
        remaining = fetched.records
        while remaining:
            chunk = _first_chunk(remaining)
            async with self._in_flight:
                if self._generation != fetched.generation:
                    return
                settled = await self._settle(fetched, chunk)
                remaining = remaining[len(chunk) :] if settled else remaining
                if not settled or self._kept_back:
                    self._rewind(fetched, remaining)
                    remaining = ()
            if not settled:
                await self._pause(self._next_pause())
        metrics.BATCH_SECONDS.labels(self.service).observe(time.monotonic() - started)

    async def _settle(self, fetched: Fetched, records: Sequence[ConsumerRecord]) -> bool:
        """Decide, publish and commit; False when the records must be given back."""
        try:
            outcomes = await self._decide(records)
            await self._publish(records, outcomes)
        except ProducerStuck as error:
            logger.error("producer_stuck", error=log.describe(error))  # noqa: TRY400  the frames say nothing
            if not self.fatal.done():
                self.fatal.set_exception(error)
            return False
        except Exception as error:  # noqa: BLE001  whatever it is, the batch must not be lost
            logger.warning("batch_given_back", error=log.describe(error), records=len(records))
            metrics.BATCH_FAILURES.labels(self.service).inc()
            return False
        self._failures = 0
        await self._commit(fetched, self._keep_back(fetched, records, outcomes))
        return True

    async def _decide(self, records: Sequence[ConsumerRecord]) -> Sequence[Outcome]:
        inbound = [self._inbound(record) for record in records]
        try:
            return await self._handle(inbound)
        except Exception as error:
            if is_transient(error):
                raise
            logger.exception("batch_failed", error=log.describe(error), records=len(inbound))
        return [await self._alone(record) for record in inbound]

    async def _handle(self, inbound: Sequence[Inbound]) -> Sequence[Outcome]:
        async with asyncio.timeout(BATCH_SECONDS):
            outcomes = await self._handler(inbound)
        if len(outcomes) != len(inbound):
            raise RuntimeError(f"the handler gave {len(outcomes)} outcomes for {len(inbound)} records")
        return outcomes

    async def _alone(self, record: Inbound) -> Outcome:
        """One record of a batch that failed: the culprit is the one that fails by itself, again and again."""
        for attempt in range(1, ATTEMPTS_BEFORE_DEAD_LETTER + 1):
            try:
                (outcome,) = await self._handle([record])
            except Exception as error:
                if is_transient(error):
                    raise
                logger.exception("record_failed", topic=record.topic, offset=record.offset, attempt=attempt)
                reason = f"{type(error).__name__} in the handler"
            else:
                return outcome
        return DeadLetter("handler-error", reason)

    async def _publish(self, records: Sequence[ConsumerRecord], outcomes: Sequence[Outcome]) -> None:
        publish: list[Outbound] = []
        for record, outcome in zip(records, outcomes, strict=True):
            match outcome:
                case Done(publish=more):
                    publish.extend(more)
                    label = "done"
                case DeadLetter():
                    publish.append(self._dead_letter(record, outcome))
                    label = "dead-letter"
                case Retry():
                    label = "retry"
            metrics.RECORDS.labels(self.service, label).inc()
        await self._producer.publish(publish)

    def _keep_back(
        self, fetched: Fetched, records: Sequence[ConsumerRecord], outcomes: Sequence[Outcome]
    ) -> dict[TopicPartition, int]:
        """The offsets to commit. A partition with a ``Retry`` stops there and is paused.

        Records after the ``Retry`` may have been decided already; they will be again, which is harmless.
        """
        commit: dict[TopicPartition, int] = {}
        self._kept_back = set()
        for record, outcome in zip(records, outcomes, strict=True):
            partition = TopicPartition(record.topic, record.partition)
            if partition in self._kept_back:
                continue
            if isinstance(outcome, Retry):
                self._kept_back.add(partition)
                logger.info(
                    "partition_paused", topic=record.topic, offset=record.offset, reason=outcome.reason
                )
                fetched.consumer.seek(partition, record.offset)
                self._pause_partition(fetched, partition, outcome.after_seconds)
            else:
                commit[partition] = record.offset + 1
        return commit

    def _pause_partition(self, fetched: Fetched, partition: TopicPartition, seconds: float) -> None:
        def resume() -> None:
            # A rebalance forgets pauses; then there is nothing to resume.
            if self._generation == fetched.generation and partition in fetched.consumer.assignment():
                fetched.consumer.resume(partition)

        fetched.consumer.pause(partition)
        asyncio.get_running_loop().call_later(seconds, resume)

    async def _commit(self, fetched: Fetched, offsets: dict[TopicPartition, int]) -> None:
        if not offsets:
            return
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await fetched.consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            # Not ours any more: whoever reads from the committed position repeats our work, harmlessly.
            metrics.COMMITS_REFUSED.labels(self.service).inc()
            logger.warning("commit_refused", error=log.describe(error))
        except (KafkaError, TimeoutError) as error:
            # The next commit covers this one; a crash before it repeats the batch.
            logger.warning("commit_failed", error=log.describe(error))

    def _rewind(self, fetched: Fetched, records: Sequence[ConsumerRecord]) -> None:
        """Come back to ``records``; partitions kept back already stand where they should."""
        first: dict[TopicPartition, int] = {}
        for record in records:
            first.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        assigned = fetched.consumer.assignment()
        for partition, offset in first.items():
            if partition in assigned and partition not in self._kept_back:
                fetched.consumer.seek(partition, offset)
        self._kept_back = set()

    def _next_pause(self) -> float:
        self._failures += 1
        ceiling = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (self._failures - 1))
        return ceiling * (0.5 + self._rng.random() / 2)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _inbound(self, record: ConsumerRecord) -> Inbound:
        return Inbound(
            topic=record.topic.removeprefix(self._prefix),
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value or b"",
            headers={name: value.decode(errors="replace") for name, value in record.headers},
            raw_headers=tuple(record.headers),
            timestamp=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        )

    def _dead_letter(self, record: ConsumerRecord, letter: DeadLetter) -> Outbound:
        logger.error(
            "dead_letter",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=letter.reason,
        )
        about = {
            "dlq_reason": letter.reason,
            "dlq_detail": letter.detail,
            "dlq_topic": record.topic,
            "dlq_partition": str(record.partition),
            "dlq_offset": str(record.offset),
        }
        headers = [*record.headers, *((name, text.encode()) for name, text in about.items())]
        return Outbound(
            topic=dead_letter_topic(self.service), key=record.key, value=record.value or b"", headers=headers
        )


def _first_chunk(records: Sequence[ConsumerRecord]) -> Sequence[ConsumerRecord]:
    """As many of the first records as stay within ``CHUNK_BYTES``; at least one."""
    size = 0
    for count, record in enumerate(records):
        size += len(record.value or b"")
        if count and size > CHUNK_BYTES:
            return records[:count]
    return records
