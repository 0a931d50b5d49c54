"""The stage on a real broker: what is committed, what comes again, and whose record pays for what."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord

from runtime import dead_letters
from runtime._faststream import Fetched
from runtime.batches import CHUNK_BYTES
from runtime.errors import OperatorNeeded, ProducerStuck, TooManyDeadLetters, Transient
from runtime.producer import Producer
from runtime.records import DeadLetter, Done, Inbound, Outbound, Outcome, Retry
from runtime.topics import source_pattern
from tests.support.kit import (
    DEAD_LETTERS,
    INPUT,
    OUTPUT,
    Kafka,
    Recorder,
    passed_on,
    running_stage,
)
from tests.support.waiting import until

PER_SOURCE = "erp.<source>.sales.v1"


def refuse_bad(record: Inbound) -> Outcome:
    return DeadLetter("unreadable", "it says bad") if record.value == b"bad" else passed_on(record)


def values(records: Sequence[ConsumerRecord]) -> list[bytes | None]:
    return [record.value for record in records]


def headers(record: ConsumerRecord, *names: str) -> list[tuple[str, bytes | None]]:
    return [(name, value) for name, value in record.headers if name in names]


class Holding:
    """A handler whose batches end only when it is told so."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.calls: list[list[bytes]] = []

    async def __call__(self, records: Sequence[Inbound]) -> Sequence[Outcome]:
        self.calls.append([record.value for record in records])
        self.begun.set()
        await self.may_end.wait()
        return [Done() for _ in records]


# Bad records


async def test_a_bad_record_costs_its_batch_nothing(kafka: Kafka) -> None:
    await kafka.create(INPUT, OUTPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, b"one", b"bad", b"two")

    async with running_stage(kafka, Recorder(refuse_bad)):
        await kafka.until_committed(INPUT, 3)

    assert values(await kafka.read(OUTPUT, 2)) == [b"one", b"two"]
    assert values(await kafka.read(DEAD_LETTERS, 1)) == [b"bad"]


async def test_a_dead_letter_is_the_record_byte_for_byte_with_reason_and_origin(kafka: Kafka) -> None:
    await kafka.create(INPUT, DEAD_LETTERS)
    original = [("a", b"\xff\xfe"), ("empty", b""), ("a", b"again"), ("none", None)]
    await kafka.produce(INPUT, b"good")
    await kafka.produce(INPUT, b"\x00\xffbad", headers=original)

    async with running_stage(kafka, Recorder(lambda record: DeadLetter("unreadable", "no JSON"))):
        await kafka.until_committed(INPUT, 2)

    _, letter = await kafka.read(DEAD_LETTERS, 2)
    assert (letter.key, letter.value) == (b"k0", b"\x00\xffbad")
    assert list(letter.headers)[:4] == original
    assert headers(letter, "dlq_reason", "dlq_detail", "dlq_attempts") == [
        ("dlq_reason", b"unreadable"),
        ("dlq_detail", b"no JSON"),
        ("dlq_attempts", b"1"),
    ]
    assert headers(letter, "dlq_topic", "dlq_partition", "dlq_offset") == [
        ("dlq_topic", f"{kafka.prefix}{INPUT}".encode()),
        ("dlq_partition", b"0"),
        ("dlq_offset", b"1"),
    ]


async def test_a_record_without_a_value_stays_without_one_as_a_dead_letter(kafka: Kafka) -> None:
    await kafka.create(INPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, None)
    handler = Recorder(lambda record: DeadLetter("unreadable"))

    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 1)

    assert handler.values == [b""]
    assert values(await kafka.read(DEAD_LETTERS, 1)) == [None]


async def test_a_record_too_large_to_be_copied_stays_at_its_origin_and_stops_nobody(kafka: Kafka) -> None:
    await kafka.create(INPUT, OUTPUT, DEAD_LETTERS)
    compressing = AIOKafkaProducer(
        bootstrap_servers=kafka.settings.bootstrap_servers,
        compression_type="zstd",
        max_request_size=6_000_000,
    )
    async with compressing:
        await compressing.send_and_wait(kafka.prefix + INPUT, b"\0" * 5_000_000)
    await kafka.produce(INPUT, b"two")

    async with running_stage(kafka, Recorder(lambda record: DeadLetter("unreadable"))):
        await kafka.until_committed(INPUT, 2)

    large, other = await kafka.read(DEAD_LETTERS, 2)
    assert (large.value, other.value) == (b"", b"two")
    assert headers(large, "dlq_offset", "dlq_left_bytes") == [
        ("dlq_offset", b"0"),
        ("dlq_left_bytes", b"5000000"),
    ]


async def test_headers_that_are_not_text_are_survived(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    await kafka.produce(
        INPUT, b"one", headers=[("latin", b"\xb3\xf3d\xbc"), ("none", None), ("good", b"yes")]
    )
    handler = Recorder()

    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 1)

    (record,) = handler.seen
    assert record.headers == {"latin": "\ufffd\ufffdd\ufffd", "none": "", "good": "yes"}
    assert list(record.raw_headers) == [("latin", b"\xb3\xf3d\xbc"), ("none", None), ("good", b"yes")]


async def test_a_record_that_always_fails_becomes_a_dead_letter_and_its_neighbours_pass(kafka: Kafka) -> None:
    await kafka.create(INPUT, OUTPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, b"one", b"poison", b"two")

    def decide(record: Inbound) -> Outcome:
        if record.value == b"poison":
            raise KeyError("a bug that this record finds")
        return passed_on(record)

    handler = Recorder(decide)
    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 3)

    assert values(await kafka.read(OUTPUT, 2)) == [b"one", b"two"]
    (letter,) = await kafka.read(DEAD_LETTERS, 1)
    assert letter.value == b"poison"
    assert headers(letter, "dlq_reason", "dlq_detail", "dlq_attempts") == [
        ("dlq_reason", b"handler-error"),
        ("dlq_detail", b"KeyError"),
        ("dlq_attempts", b"3"),
    ]
    assert handler.values.count(b"poison") == 4  # once with the others, three times alone


async def test_a_record_whose_result_is_too_large_becomes_a_dead_letter_and_its_neighbours_pass(
    kafka: Kafka,
) -> None:
    await kafka.create(INPUT, OUTPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, b"one", b"grows", b"two")

    def decide(record: Inbound) -> Outcome:
        if record.value == b"grows":
            return Done((Outbound(OUTPUT, key=None, value=b"x" * 3_000_000),))
        return passed_on(record)

    async with running_stage(kafka, Recorder(decide)):
        await kafka.until_committed(INPUT, 3)

    (letter,) = await kafka.read(DEAD_LETTERS, 1)
    assert (letter.value, headers(letter, "dlq_detail")) == (b"grows", [("dlq_detail", b"RecordTooLarge")])
    assert values(await kafka.read(OUTPUT, 2)) == [b"one", b"two"]


async def test_a_time_outside_the_calendar_makes_a_dead_letter_not_a_standstill(kafka: Kafka) -> None:
    far = str(2**62)
    await kafka.create(INPUT, configs={"message.timestamp.after.max.ms": far})
    await kafka.create(DEAD_LETTERS)
    async with kafka.raw_producer() as producer:
        await producer.send_and_wait(kafka.prefix + INPUT, b"late", timestamp_ms=2**60)
        await producer.send_and_wait(kafka.prefix + INPUT, b"good")
    handler = Recorder()

    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 2)

    assert handler.values == [b"good"]
    assert values(await kafka.read(DEAD_LETTERS, 1)) == [b"late"]


async def test_too_many_dead_letters_in_a_row_end_the_worker_and_lose_nothing(kafka: Kafka) -> None:
    await kafka.create(INPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, *[b"bad"] * (dead_letters.IN_A_ROW_LIMIT + 1))

    async with running_stage(kafka, Recorder(refuse_bad)) as running:
        await until(running.stage.fatal.done)

    assert isinstance(running.stage.fatal.exception(), TooManyDeadLetters)
    assert await kafka.committed(INPUT) is None
    assert await kafka.count(DEAD_LETTERS) == 0


# Errors of the outside


@pytest.mark.parametrize("error", [Transient("the database is away"), OperatorNeeded("a key is missing")])
async def test_an_error_that_is_no_records_fault_gives_the_whole_batch_back_in_order(
    kafka: Kafka, error: Exception
) -> None:
    await kafka.create(INPUT, OUTPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, b"one", b"two", b"three")
    failures = iter([error, error])

    class Failing(Recorder):
        async def __call__(self, records: Sequence[Inbound]) -> Sequence[Outcome]:
            outcomes = await super().__call__(records)
            for failure in failures:
                raise failure
            return outcomes

    handler = Failing(passed_on)
    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 3)

    assert handler.values == [b"one", b"two", b"three"] * 3
    assert values(await kafka.read(OUTPUT, 3)) == [b"one", b"two", b"three"]
    assert await kafka.count(DEAD_LETTERS) == 0


async def test_a_topic_that_is_missing_for_a_while_stops_the_stage_and_costs_no_record(kafka: Kafka) -> None:
    await kafka.create(INPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, b"one")
    handler = Recorder(passed_on)

    async with running_stage(kafka, handler):
        await until(lambda: bool(handler.seen))
        assert await kafka.committed(INPUT) is None
        await kafka.create(OUTPUT)
        await kafka.until_committed(INPUT, 1)

    assert values(await kafka.read(OUTPUT, 1)) == [b"one"]
    assert await kafka.count(DEAD_LETTERS) == 0


# Retry


async def test_retry_pauses_only_its_own_partition_and_commits_nothing_behind_it(kafka: Kafka) -> None:
    await kafka.create(INPUT, OUTPUT, partitions=2)
    await kafka.produce(INPUT, b"a1", b"not yet", b"a3", partition=0)
    await kafka.produce(INPUT, b"b1", b"b2", partition=1)
    known = asyncio.Event()

    def decide(record: Inbound) -> Outcome:
        if record.value == b"not yet" and not known.is_set():
            return Retry(0.2, "source-unknown")
        return Done()

    handler = Recorder(decide)
    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 2, partition=1)
        await until(lambda: handler.values.count(b"not yet") >= 3)
        await kafka.produce(INPUT, b"b3", partition=1)
        await kafka.until_committed(INPUT, 3, partition=1)
        assert await kafka.committed(INPUT, 0) == 1
        known.set()
        await kafka.until_committed(INPUT, 3, partition=0)

    assert handler.values.count(b"a1") == 1
    assert [value for value in handler.values if value.startswith(b"b")] == [b"b1", b"b2", b"b3"]
    assert handler.values[-1] == b"a3"


async def test_a_partition_that_waits_does_not_hold_up_the_rest_of_a_large_batch(kafka: Kafka) -> None:
    await kafka.create(INPUT, partitions=2, configs={"max.message.bytes": "4000000"})
    large = b"\0" * (CHUNK_BYTES // 3)
    await kafka.produce(INPUT, b"not yet", *[large] * 3, partition=0)
    await kafka.produce(INPUT, *[large] * 5, partition=1)
    handler = Recorder(lambda record: Retry(60, "wait") if record.value == b"not yet" else Done())

    async with running_stage(kafka, handler):
        await kafka.until_committed(INPUT, 5, partition=1)
        await kafka.produce(INPUT, b"later", partition=1)
        await kafka.until_committed(INPUT, 6, partition=1)

    assert await kafka.committed(INPUT, 0) is None
    assert handler.values.count(b"not yet") == 1
    assert sorted(record.offset for record in handler.seen if record.partition == 1) == [0, 1, 2, 3, 4, 5]


# The cursor moves last


async def test_nothing_is_committed_before_the_handlers_effects(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one", b"two")
    first, second = Holding(), Recorder()

    async with running_stage(kafka, first) as killed:
        await until(first.begun.is_set)
        assert await kafka.committed(INPUT) is None
        await killed.die()
        async with running_stage(kafka, second):
            await kafka.until_committed(INPUT, 2)

    assert second.values == [b"one", b"two"]


class Published(Producer):
    """The real producer, whose caller never hears that all was confirmed."""

    def __init__(self, real: Producer) -> None:
        self._real = real
        self.confirmed = asyncio.Event()

    async def publish(self, records: Sequence[Outbound]) -> None:
        await self._real.publish(records)
        self.confirmed.set()
        await asyncio.Event().wait()


async def test_what_was_published_but_not_committed_comes_again_to_the_next_consumer(kafka: Kafka) -> None:
    await kafka.create(INPUT, OUTPUT)
    await kafka.produce(INPUT, b"one", b"two")
    producers: list[Published] = []

    def holding(real: Producer) -> Producer:
        producers.append(Published(real))
        return producers[0]

    async with running_stage(kafka, Recorder(passed_on), producer=holding) as killed:
        await until(producers[0].confirmed.is_set)
        assert await kafka.committed(INPUT) is None
        await killed.die()
        async with running_stage(kafka, Recorder(passed_on)):
            await kafka.until_committed(INPUT, 2)

    assert values(await kafka.read(OUTPUT, 4)) == [b"one", b"two", b"one", b"two"]


async def test_a_broker_that_does_not_confirm_ends_the_worker_and_commits_nothing(kafka: Kafka) -> None:
    await kafka.create(INPUT, OUTPUT)
    await kafka.produce(INPUT, b"one")

    async with running_stage(kafka, Recorder(passed_on), confirm_seconds=1) as running:
        await kafka.until_committed(INPUT, 1)
        await kafka.delete(OUTPUT)

        async def gone() -> bool:
            # The broker takes records for a deleted topic until the deletion has reached it.
            await kafka.produce(INPUT, b"more")
            return running.stage.fatal.done()

        await until(gone, seconds=30)

    committed = await kafka.committed(INPUT)
    assert isinstance(running.stage.fatal.exception(), ProducerStuck)
    assert committed is not None
    assert committed < await kafka.count(INPUT)


# Rebalances


async def test_a_commit_that_the_group_refuses_is_survived_and_the_records_go_to_another(
    kafka: Kafka,
) -> None:
    await kafka.create(INPUT, partitions=2)
    stalled, other = Holding(), Recorder()

    async with running_stage(kafka, stalled) as dropped, running_stage(kafka, other) as second:
        await until(lambda: dropped.partitions == second.partitions == 1)
        consumer = dropped.consumer()
        assert consumer is not None
        (partition,) = consumer.assignment()
        await kafka.produce(INPUT, b"one", partition=partition.partition)
        await until(stalled.begun.is_set)
        await consumer._coordinator._maybe_leave_group()  # as after a long stall: the group has dropped it
        await kafka.until_committed(INPUT, 1, partition.partition)
        stalled.may_end.set()
        await until(lambda: dropped.partitions == second.partitions == 1)

    assert (stalled.calls, other.values) == ([[b"one"]], [b"one"])
    assert not dropped.stage.fatal.done()


async def test_a_new_source_in_the_middle_of_a_batch_is_survived_and_both_are_read(kafka: Kafka) -> None:
    await kafka.create("erp.north.sales.v1")
    await kafka.produce("erp.north.sales.v1", b"one")
    handler = Holding()
    pattern = source_pattern(PER_SOURCE, prefix=kafka.prefix)

    async with running_stage(kafka, handler, pattern=pattern) as running:
        await until(handler.begun.is_set)
        await kafka.create("erp.south.sales.v1")
        await until(lambda: running.partitions == 0)  # the pattern matches more than before
        handler.may_end.set()
        await kafka.until_committed("erp.north.sales.v1", 1)
        await kafka.produce("erp.south.sales.v1", b"two")
        await kafka.until_committed("erp.south.sales.v1", 1)

    assert [call for call in handler.calls if call == [b"two"]] == [[b"two"]]


async def test_a_retry_decided_while_the_partitions_were_taken_away_is_survived(kafka: Kafka) -> None:
    await kafka.create("erp.north.sales.v1")
    await kafka.produce("erp.north.sales.v1", b"one")
    holding = Holding()
    waits = iter([Retry(0.1, "wait")])

    async def handler(records: Sequence[Inbound]) -> Sequence[Outcome]:
        outcomes = await holding(records)
        return [next(waits, outcome) for outcome in outcomes]

    pattern = source_pattern(PER_SOURCE, prefix=kafka.prefix)
    async with running_stage(kafka, handler, pattern=pattern) as running:
        await until(holding.begun.is_set)
        await kafka.create("erp.south.sales.v1")
        await until(lambda: running.partitions == 0)
        holding.may_end.set()
        await kafka.until_committed("erp.north.sales.v1", 1)

    assert not running.stage.fatal.done()


async def test_a_batch_that_was_fetched_before_a_rebalance_is_left_to_whoever_owns_it_now(
    kafka: Kafka,
) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one")
    handler = Recorder()
    fetched: list[Fetched] = []

    async def keep(batch: Fetched) -> None:
        fetched.append(batch)

    async with running_stage(kafka, handler, on_batch=keep) as running:
        await until(lambda: len(fetched) == 1)
        await running.stage.on_partitions_revoked(set())
        await running.stage.on_batch(fetched[0])

    assert handler.seen == []
    assert await kafka.committed(INPUT) is None


async def test_a_rebalance_between_two_chunks_leaves_the_second_to_whoever_owns_it_now(kafka: Kafka) -> None:
    await kafka.create(INPUT, configs={"max.message.bytes": "4000000"})
    await kafka.produce(INPUT, *[b"\0" * (CHUNK_BYTES // 3)] * 5)
    fetched: list[Fetched] = []

    async def keep(batch: Fetched) -> None:
        fetched.append(batch)

    taken_away: list[asyncio.Task[None]] = []

    class Revoked(Recorder):
        async def __call__(self, records: Sequence[Inbound]) -> Sequence[Outcome]:
            taken_away.append(asyncio.create_task(running.stage.on_partitions_revoked(set())))
            return await super().__call__(records)

    handler = Revoked()
    async with running_stage(kafka, handler, on_batch=keep) as running:
        await until(lambda: sum(len(batch.records) for batch in fetched) == 5)
        records = tuple(record for batch in fetched for record in batch.records)
        await running.stage.on_batch(Fetched(records, fetched[0].consumer, running.stage.generation()))
        await asyncio.gather(*taken_away)

    assert [record.offset for record in handler.seen] == [0, 1, 2]
    assert await kafka.committed(INPUT) == 3


async def test_stopping_in_the_middle_of_a_batch_finishes_and_commits_it(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    await kafka.produce(INPUT, b"one")
    handler = Holding()

    async with running_stage(kafka, handler) as running:
        await until(handler.begun.is_set)
        stopping = asyncio.create_task(running.broker.stop())
        await until(lambda: not running.takes_more)
        handler.may_end.set()
        await stopping

    assert handler.calls == [[b"one"]]
    assert await kafka.committed(INPUT) == 1


# Topics by pattern


async def test_a_topic_created_later_is_read_from_its_first_record_within_ten_seconds(kafka: Kafka) -> None:
    await kafka.create("erp.north.sales.v1")
    handler = Recorder()

    async with running_stage(kafka, handler, pattern=source_pattern(PER_SOURCE, prefix=kafka.prefix)):
        await kafka.create("erp.south.sales.v1")
        await kafka.produce("erp.south.sales.v1", b"first", b"second")
        await until(lambda: len(handler.seen) == 2, seconds=10)

    assert [(record.topic, record.offset, record.value) for record in handler.seen] == [
        ("erp.south.sales.v1", 0, b"first"),
        ("erp.south.sales.v1", 1, b"second"),
    ]


async def test_a_stage_that_starts_before_any_source_exists_reads_the_first_one(kafka: Kafka) -> None:
    handler = Recorder()

    async with running_stage(kafka, handler, pattern=source_pattern(PER_SOURCE, prefix=kafka.prefix)):
        await kafka.create("erp.north.sales.v1")
        await kafka.produce("erp.north.sales.v1", b"first")
        await until(lambda: handler.values == [b"first"], seconds=10)


async def test_prefixes_keep_the_installations_of_one_cluster_apart(kafka: Kafka) -> None:
    other = Kafka(kafka.settings.model_copy(update={"topic_prefix": f"{kafka.prefix[:-1]}b."}))
    for installation in (kafka, other):
        await installation.create("erp.north.sales.v1")
        await installation.produce("erp.north.sales.v1", installation.prefix.encode())
    ours, theirs = Recorder(), Recorder()

    async with (
        running_stage(kafka, ours, pattern=source_pattern(PER_SOURCE, prefix=kafka.prefix)),
        running_stage(other, theirs, pattern=source_pattern(PER_SOURCE, prefix=other.prefix)),
    ):
        await kafka.until_committed("erp.north.sales.v1", 1)
        await other.until_committed("erp.north.sales.v1", 1)

    assert (ours.values, theirs.values) == ([kafka.prefix.encode()], [other.prefix.encode()])
    assert ours.seen[0].topic == "erp.north.sales.v1"


# Slow batches


class Slow:
    """A handler that takes its time for each record, and for ever for one that says so."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sizes: list[int] = []

    async def __call__(self, records: Sequence[Inbound]) -> Sequence[Outcome]:
        self.sizes.append(len(records))
        for record in records:
            await asyncio.sleep(60 if record.value == b"hangs" else self.seconds)
        return [passed_on(record) for record in records]


async def test_a_batch_that_takes_too_long_comes_again_in_halves(kafka: Kafka) -> None:
    await kafka.create(INPUT, OUTPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, *(b"%d" % number for number in range(24)))
    slow = Slow(seconds=0.04)

    async with running_stage(kafka, slow, batch_seconds=0.5):
        await kafka.until_committed(INPUT, 24)

    assert slow.sizes[0] > slow.sizes[-1]
    assert await kafka.count(DEAD_LETTERS) == 0


async def test_a_record_that_hangs_is_found_and_costs_its_neighbours_only_time(kafka: Kafka) -> None:
    await kafka.create(INPUT, OUTPUT, DEAD_LETTERS)
    await kafka.produce(INPUT, b"one", b"hangs", b"two")

    async with running_stage(kafka, Slow(seconds=0), batch_seconds=0.3):
        await kafka.until_committed(INPUT, 3)

    assert sorted(values(await kafka.read(OUTPUT, 2))) == [b"one", b"two"]
    (letter,) = await kafka.read(DEAD_LETTERS, 1)
    assert letter.value == b"hangs"
