"""The one subscriber shape: consume → decide → publish → settle.

Invariant: an offset is committed only after every effect of the records before it is durable, in the order
effects in PostgreSQL (the handler) → records confirmed by Kafka → commit. A crash between any two repeats
work and loses none; handlers and consumers therefore decide by unique keys, never by "this comes first".

* A batch is up to 500 records and 8 MiB. Records are decoded one by one by the handler: a bad one becomes a
  dead letter and costs the others nothing.
* ``Retry`` gives back one partition, from that record on, and pauses it; other partitions go on.
* A batch that takes too long is given back and comes again in halves; a record that is too slow by itself is
  one that fails.
* An error that waiting or a person can mend gives the whole batch back and pauses the stage, for longer each
  time. Any other is looked for record by record, and ends as that record's dead letter.
* When partitions are taken away, the batch in flight is finished and committed first. A commit that the group
  refuses anyway means that the records come again, to us or to somebody else.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from runtime import dead_letters, log, metrics
from runtime._faststream import MAX_RECORDS, Fetched
from runtime.dead_letters import TooManyDeadLetters
from runtime.errors import ConfigurationError, CourierError, OperatorNeeded, is_transient
from runtime.loops import Backoff
from runtime.producer import Producer, ProducerStuck
from runtime.records import DeadLetter, Done, Inbound, Outbound, Outcome, Retry

Handler = Callable[[Sequence[Inbound]], Awaitable[Sequence[Outcome]]]
"""Decides a batch: one outcome per record, in order. May be called again with the same records."""

CHUNK_BYTES = 8 * 1024 * 1024
BATCH_SECONDS = 60.0
COMMIT_SECONDS = 30.0
ATTEMPTS_BEFORE_DEAD_LETTER = 3

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LABELS: Mapping[type[Outcome], str] = {Done: "done", Retry: "retry", DeadLetter: "dead-letter"}

logger = log.get(__name__)


class TooSlow(CourierError):
    """The handler did not decide within its time."""


class Stage(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Consumes for one service. ``fatal`` gets an exception when the process should end."""

    def __init__(
        self,
        *,
        service: str,
        producer: Producer,
        handler: Handler,
        topic_prefix: str = "",
        batch_seconds: float = BATCH_SECONDS,
    ) -> None:
        self.service = service
        self.fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._producer = producer
        self._handler = handler
        self._prefix = topic_prefix
        self._batch_seconds = batch_seconds
        self._most = MAX_RECORDS
        self._generation = 0
        self._in_flight = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._backoff = Backoff()
        self._dead_letters_in_a_row = 0

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

    def fail(self, error: Exception) -> None:
        """Settle nothing more, and let the process end."""
        if not self.fatal.done():
            self.fatal.set_exception(error)

    async def on_batch(self, fetched: Fetched) -> None:
        """Settle one fetch. Raises nothing: what goes wrong is given back and comes again."""
        started = time.monotonic()
        remaining: Sequence[ConsumerRecord] = fetched.records
        while remaining:
            chunk = _first_chunk(remaining, most=self._most)
            async with self._in_flight:
                if self._generation != fetched.generation or self.fatal.done():
                    return
                outcomes = await self._process(chunk)
                if outcomes is None:
                    _rewind(fetched, remaining)
                else:
                    kept_back = await self._settle(fetched, chunk, outcomes)
            if outcomes is None:
                await self._pause(self._backoff.next_seconds())
                return
            remaining = [record for record in remaining[len(chunk) :] if _partition(record) not in kept_back]
        metrics.BATCH_SECONDS.labels(self.service).observe(time.monotonic() - started)

    async def _process(self, records: Sequence[ConsumerRecord]) -> Sequence[Outcome] | None:
        """What became of each record, published and confirmed; None when they must be given back."""
        try:
            outcomes = await self._together_or_alone(records)
        except Exception as error:  # noqa: BLE001  whatever it is, the batch must not be lost
            logger.warning("batch_given_back", error=log.describe(error), records=len(records))
            metrics.BATCH_FAILURES.labels(self.service).inc()
            if isinstance(error, TooSlow):
                self._most = max(1, len(records) // 2)
            if isinstance(error, ProducerStuck | TooManyDeadLetters):
                self.fail(error)
            return None
        self._backoff.reset()
        self._most = min(MAX_RECORDS, self._most * 2)
        return outcomes

    async def _together_or_alone(self, records: Sequence[ConsumerRecord]) -> Sequence[Outcome]:
        try:
            return await self._attempt(records)
        except Exception as error:
            if isinstance(error, TooSlow) and len(records) > 1:
                raise
            if not _may_be_one_records_fault(error):
                raise
            logger.exception("batch_failed", error=log.describe(error), records=len(records))
        return [await self._alone(record) for record in records]

    async def _alone(self, record: ConsumerRecord) -> Outcome:
        """One record of a batch that failed: the culprit is the one that fails by itself, again and again."""
        for attempt in range(1, ATTEMPTS_BEFORE_DEAD_LETTER + 1):
            try:
                (outcome,) = await self._attempt([record])
            except Exception as error:
                if not _may_be_one_records_fault(error):
                    raise
                logger.exception("record_failed", topic=record.topic, offset=record.offset, attempt=attempt)
                letter = DeadLetter("handler-error", type(error).__name__, attempts=attempt)
            else:
                return outcome
        await self._publish([record], [letter])
        return letter

    async def _attempt(self, records: Sequence[ConsumerRecord]) -> Sequence[Outcome]:
        inbound = [self._inbound(record) for record in records]
        try:
            async with asyncio.timeout(self._batch_seconds) as bound:
                outcomes = await self._handler(inbound)
        except TimeoutError as error:
            if not bound.expired():
                raise
            raise TooSlow(f"{len(records)} records in {self._batch_seconds:g} s") from error
        if len(outcomes) != len(records):
            raise RuntimeError(f"the handler gave {len(outcomes)} outcomes for {len(records)} records")
        await self._publish(records, outcomes)
        return outcomes

    async def _publish(self, records: Sequence[ConsumerRecord], outcomes: Sequence[Outcome]) -> None:
        in_a_row = dead_letters.in_a_row(outcomes, before=self._dead_letters_in_a_row)
        publish: list[Outbound] = []
        for record, outcome in zip(records, outcomes, strict=True):
            match outcome:
                case Done(publish=more):
                    publish.extend(more)
                case DeadLetter():
                    publish.append(dead_letters.letter(record, outcome, service=self.service))
                case Retry():
                    pass
        await self._producer.publish(publish)
        self._dead_letters_in_a_row = in_a_row
        for record, outcome in zip(records, outcomes, strict=True):
            self._count(record, outcome)

    def _count(self, record: ConsumerRecord, outcome: Outcome) -> None:
        metrics.RECORDS.labels(self.service, _LABELS[type(outcome)]).inc()
        if isinstance(outcome, DeadLetter):
            logger.error(
                "dead_letter",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                reason=outcome.reason,
                detail=outcome.detail,
            )

    async def _settle(
        self, fetched: Fetched, records: Sequence[ConsumerRecord], outcomes: Sequence[Outcome]
    ) -> set[TopicPartition]:
        """Commit what is done; a partition with a ``Retry`` stops there and pauses. Returns those that do.

        Records after the ``Retry`` may have been decided already; they will be again, which is harmless.
        """
        commit: dict[TopicPartition, int] = {}
        kept_back: set[TopicPartition] = set()
        for record, outcome in zip(records, outcomes, strict=True):
            partition = _partition(record)
            if partition in kept_back:
                continue
            if isinstance(outcome, Retry):
                kept_back.add(partition)
                self._keep_back(fetched, record, outcome)
            else:
                commit[partition] = record.offset + 1
        await self._commit(fetched, commit)
        return kept_back

    def _keep_back(self, fetched: Fetched, record: ConsumerRecord, retry: Retry) -> None:
        partition = _partition(record)

        def resume() -> None:
            # A rebalance forgets pauses; then there is nothing to resume.
            if self._generation == fetched.generation and partition in fetched.consumer.assignment():
                fetched.consumer.resume(partition)

        logger.info("partition_paused", topic=record.topic, offset=record.offset, reason=retry.reason)
        _rewind(fetched, [record])
        if partition in fetched.consumer.assignment():
            fetched.consumer.pause(partition)
            asyncio.get_running_loop().call_later(retry.after_seconds, resume)

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
            headers={name: (value or b"").decode(errors="replace") for name, value in record.headers},
            raw_headers=tuple(record.headers),
            timestamp=_time_of(record),
        )


def _may_be_one_records_fault(error: Exception) -> bool:
    """Whether going on without one record can help; not when the outside is away or a person is needed."""
    never = (KafkaError, ProducerStuck, TooManyDeadLetters, OperatorNeeded, ConfigurationError)
    return not (is_transient(error) or isinstance(error, never))


def _partition(record: ConsumerRecord) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def _time_of(record: ConsumerRecord) -> datetime:
    """The record's time. Raises ``OverflowError`` for one outside the calendar."""
    return _EPOCH + timedelta(milliseconds=record.timestamp)


def _rewind(fetched: Fetched, records: Sequence[ConsumerRecord]) -> None:
    """Come back to ``records``. Partitions that are gone come back from their committed offsets anyway."""
    first: dict[TopicPartition, int] = {}
    for record in records:
        first.setdefault(_partition(record), record.offset)
    assigned = fetched.consumer.assignment()
    for partition, offset in first.items():
        if partition in assigned:
            fetched.consumer.seek(partition, offset)


def _first_chunk(records: Sequence[ConsumerRecord], *, most: int) -> Sequence[ConsumerRecord]:
    """As many of the first records as stay within ``most`` and ``CHUNK_BYTES``; at least one."""
    size = 0
    for count, record in enumerate(records[:most]):
        size += len(record.value or b"")
        if count and size > CHUNK_BYTES:
            return records[:count]
    return records[:most]
