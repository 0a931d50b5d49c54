"""The one subscriber shape: consume → decide → publish → settle.

Invariant: an offset is committed only after every effect of the records before it is durable, in the order
effects in PostgreSQL (the handler) → records confirmed by Kafka → commit. A crash between any two repeats
work and loses none; handlers and consumers therefore decide by unique keys, never by "this comes first".

* A batch is up to 500 records and 8 MiB. Records are decoded one by one by the handler: a bad one becomes a
  dead letter and costs the others nothing.
* ``Retry`` gives back one partition, from that record on, and pauses it; other partitions go on.
* A batch that takes too long is given back and comes again in halves; a record that is too slow by itself is
  one that fails.
* What an error means is ``runtime.failures``' business. One that waiting or a person can mend gives the
  whole batch back and pauses the stage, for longer each time; one that leaves us in doubt ends the process.
  Any other is looked for record by record, and ends as that record's dead letter.
* When partitions are taken away, the batch in flight is finished and committed first. A commit that the group
  refuses anyway means that the records come again, to us or to somebody else.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from runtime import clock, dead_letters, log, metrics
from runtime._faststream import MAX_RECORDS, Fetched
from runtime.batches import first_chunk, held_behind_retries, inbound, partition_of, rewind
from runtime.declared import begin_at_zero
from runtime.errors import TooSlow
from runtime.failures import Failure, failure_of
from runtime.lag import Lag
from runtime.loops import Backoff
from runtime.producer import Producer
from runtime.records import DeadLetter, Done, Inbound, Outbound, Outcome, Retry

Handler = Callable[[Sequence[Inbound]], Awaitable[Sequence[Outcome]]]
"""Decides a batch: one outcome per record, in order. May be called again with the same records."""

BATCH_SECONDS = 60.0
COMMIT_SECONDS = 30.0
ATTEMPTS_BEFORE_DEAD_LETTER = 3

_LABELS: Mapping[type[Outcome], str] = {Done: "done", Retry: "retry", DeadLetter: "dead-letter"}

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a stage does at a moment, for ``runtime.watchdog``."""

    busy: bool
    """A batch is in hand."""
    resting: bool
    """It pauses by intent, after an error."""
    turns: int
    """Attempts that came to an end, well or not."""
    given_back: int
    """Batches given back: their records wait by intent."""


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
        self.lag = Lag(service, topic_prefix=topic_prefix)
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
        self._turns = 0
        self._given_back = 0
        self._resting = False
        begin_at_zero(*metrics.OF_A_STAGE, worker=service)

    def pulse(self) -> Pulse:
        """What it does now."""
        return Pulse(
            busy=self._in_flight.locked(),
            resting=self._resting,
            turns=self._turns,
            given_back=self._given_back,
        )

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
        self.lag.taken(fetched.records, now_seconds=time.time())
        remaining: Sequence[ConsumerRecord] = fetched.records
        suspects = 0
        while remaining:
            chunk = first_chunk(remaining, most=1 if suspects else self._most)
            async with self._in_flight:
                if self._generation != fetched.generation or self.fatal.done():
                    return
                match await self._process(chunk):
                    case _GivenBack():
                        rewind(fetched, remaining)
                        break
                    case _OneByOne():
                        suspects = len(chunk)
                        continue
                    case outcomes:
                        kept_back = await self._settle(fetched, chunk, outcomes)
            suspects = max(0, suspects - len(chunk))
            remaining = [
                record for record in remaining[len(chunk) :] if partition_of(record) not in kept_back
            ]
        else:
            metrics.BATCH_SECONDS.labels(self.service).observe(time.monotonic() - started)
            return
        await self._rest(self._backoff.next_seconds())

    async def _process(
        self, records: Sequence[ConsumerRecord]
    ) -> "Sequence[Outcome] | _GivenBack | _OneByOne":
        """What became of each record, published and confirmed, or what to do instead."""
        try:
            outcomes = await (self._attempt(records) if len(records) > 1 else self._alone(records[0]))
        except Exception as error:
            failure = failure_of(error)
            if failure is Failure.POISON and len(records) > 1 and not isinstance(error, TooSlow):
                logger.exception("batch_failed", error=log.describe(error), records=len(records))
                return _OneByOne()
            self._give_back(error, failure, records)
            return _GivenBack()
        self._backoff.reset()
        self._most = min(MAX_RECORDS, self._most * 2)
        return outcomes

    def _give_back(self, error: Exception, failure: Failure, records: Sequence[ConsumerRecord]) -> None:
        say = logger.error if failure is Failure.HUMAN else logger.warning
        say("batch_given_back", error=log.describe(error), failure=failure, records=len(records))
        metrics.BATCH_FAILURES.labels(self.service, failure).inc()
        self._given_back += 1
        if isinstance(error, TooSlow):
            self._most = max(1, len(records) // 2)
        if failure is Failure.UNKNOWN:
            self.fail(error)

    async def _alone(self, record: ConsumerRecord) -> Sequence[Outcome]:
        """One record by itself; it becomes a dead letter when it fails again and again."""
        for attempt in range(1, ATTEMPTS_BEFORE_DEAD_LETTER + 1):
            try:
                return await self._attempt([record])
            except Exception as error:
                if failure_of(error) is not Failure.POISON:
                    raise
                logger.exception("record_failed", topic=record.topic, offset=record.offset, attempt=attempt)
                letter = DeadLetter("handler-error", type(error).__name__, attempts=attempt)
        await self._publish([record], [letter])
        return [letter]

    async def _attempt(self, records: Sequence[ConsumerRecord]) -> Sequence[Outcome]:
        try:
            decided = await self._decide([inbound(record, topic_prefix=self._prefix) for record in records])
            outcomes = held_behind_retries(records, decided)
            await self._publish(records, outcomes)
        finally:
            self._turns += 1
        return outcomes

    async def _decide(self, records: Sequence[Inbound]) -> Sequence[Outcome]:
        try:
            async with asyncio.timeout(self._batch_seconds) as bound:
                outcomes = await self._handler(records)
        except TimeoutError as error:
            if not bound.expired():
                raise
            raise TooSlow(f"{len(records)} records in {self._batch_seconds:g} s") from error
        if len(outcomes) != len(records):
            raise RuntimeError(f"the handler gave {len(outcomes)} outcomes for {len(records)} records")
        return outcomes

    async def _publish(self, records: Sequence[ConsumerRecord], outcomes: Sequence[Outcome]) -> None:
        in_a_row = dead_letters.in_a_row(outcomes, before=self._dead_letters_in_a_row)
        publish: list[Outbound] = []
        for record, outcome in zip(records, outcomes, strict=True):
            match outcome:
                case Done(publish=more):
                    publish.extend(more)
                case DeadLetter():
                    publish.append(self._letter(record, outcome))
                case Retry():
                    pass
        await self._producer.publish(publish)
        self._dead_letters_in_a_row = in_a_row
        for record, outcome in zip(records, outcomes, strict=True):
            self._count(record, outcome)

    def _letter(self, record: ConsumerRecord, about: DeadLetter) -> Outbound:
        return dead_letters.letter(record, about, service=self.service, failed_at=clock.now())

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
        """Commit what is done; a partition with a ``Retry`` stops there and pauses. Returns those that do."""
        commit: dict[TopicPartition, int] = {}
        kept_back: set[TopicPartition] = set()
        for record, outcome in zip(records, outcomes, strict=True):
            partition = partition_of(record)
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
        partition = partition_of(record)

        def resume() -> None:
            # A rebalance forgets pauses; then there is nothing to resume.
            if self._generation == fetched.generation and partition in fetched.consumer.assignment():
                fetched.consumer.resume(partition)

        say = logger.error if retry.failure is Failure.HUMAN else logger.info
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        say("partition_paused", **where, reason=retry.reason, failure=retry.failure)
        metrics.PARTITIONS_PAUSED.labels(self.service, retry.failure).inc()
        rewind(fetched, [record])
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

    async def _rest(self, seconds: float) -> None:
        self._resting = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        self._resting = False


class _GivenBack:
    """The records come again, after a pause."""


class _OneByOne:
    """One of the records failed, and nobody knows which."""
