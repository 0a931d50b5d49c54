"""Driving the worker kit in tests: topics, raw records, and a stage on the real broker."""

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.record.util import calc_crc32c
from faststream.kafka import KafkaBroker
from pydantic import SecretStr

from runtime import _aiokafka, _faststream
from runtime._faststream import Fetched
from runtime.db import Database, open_database
from runtime.producer import Producer, open_producer
from runtime.records import Done, Inbound, Outbound, Outcome
from runtime.settings import KafkaSettings, PostgresSettings
from runtime.stage import BATCH_SECONDS, Handler, Stage
from tests.support.waiting import until

Headers = Sequence[tuple[str, bytes | None]]
SERVICE = "mapper"
INPUT, OUTPUT, DEAD_LETTERS = "sales.document.accepted.v1", "sales.invoice.mapped.v1", "ksef.mapper.dlq"
ALL_OF_SERVICE = (INPUT, OUTPUT, DEAD_LETTERS, "sales.document.status.v1")
"""What a whole worker of that name reads and writes; it waits until all of them exist."""


@dataclass
class Kafka:
    """One test's part of the broker: names here are without the test's prefix."""

    settings: KafkaSettings

    @property
    def prefix(self) -> str:
        return self.settings.topic_prefix

    @property
    def group(self) -> str:
        return f"{self.prefix}ksef.{SERVICE}"

    async def create(
        self, *topics: str, partitions: int = 1, configs: Mapping[str, str] | None = None
    ) -> None:
        new = [
            NewTopic(self.prefix + topic, partitions, replication_factor=1, topic_configs=dict(configs or {}))
            for topic in topics
        ]
        async with self.admin() as admin:
            await admin.create_topics(new)
            await until(lambda: self._are_known(admin, topics))

    async def _are_known(self, admin: AIOKafkaAdminClient, topics: Sequence[str]) -> bool:
        return {self.prefix + topic for topic in topics} <= set(await admin.list_topics())

    async def delete(self, *topics: str) -> None:
        async with self.admin() as admin:
            await admin.delete_topics([self.prefix + topic for topic in topics])

    async def produce(
        self, topic: str, *values: bytes | None, partition: int = 0, headers: Headers = ()
    ) -> None:
        """As a stranger would: any bytes, any headers, each record under a key of its own."""
        async with self.raw_producer() as producer:
            confirmations = [
                await producer.send(
                    self.prefix + topic, value, key=b"k%d" % n, partition=partition, headers=list(headers)
                )
                for n, value in enumerate(values)
            ]
            for confirmation in confirmations:
                await confirmation

    async def produce_batch(
        self, topic: str, change: Callable[[bytes], bytes], *, headers: Headers = (), partition: int = 0
    ) -> None:
        """One record, whose batch ``change`` has made into something that no client library writes."""
        async with self.raw_producer() as producer:
            batch = producer.create_batch()
            batch.append(key=b"k", value=b"v", timestamp=None, headers=list(headers))
            batch._buffer = with_checksum(change(bytes(batch._build())))
            await (await producer.send_batch(batch, self.prefix + topic, partition=partition))

    async def read(self, topic: str, count: int, *, seconds: float = 15) -> list[ConsumerRecord]:
        """The first ``count`` records of a topic, in order within each partition."""
        found: list[ConsumerRecord] = []
        async with self._reading(topic) as consumer:

            async def enough() -> bool:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found.extend(records)
                return len(found) >= count

            await until(enough, seconds=seconds)
        return found

    async def count(self, topic: str) -> int:
        """How many records a topic has now."""
        async with self._reading(topic) as consumer:
            ends = await consumer.end_offsets(consumer.assignment())
        return sum(ends.values())

    async def committed(self, topic: str, partition: int = 0, *, group: str | None = None) -> int | None:
        """The offset at which the group goes on; None: it has committed none."""
        where = TopicPartition(self.prefix + topic, partition)
        async with self.admin() as admin:
            offsets = await admin.list_consumer_group_offsets(group or self.group, partitions=[where])
        return None if offsets[where].offset < 0 else offsets[where].offset

    async def until_committed(self, topic: str, offset: int, partition: int = 0) -> None:
        async def reached() -> bool:
            return await self.committed(topic, partition) == offset

        await until(reached, seconds=20)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap_servers)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    @asynccontextmanager
    async def raw_producer(self, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap_servers,
            acks="all",
            max_request_size=4_000_000,
            **options,
        )
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    @asynccontextmanager
    async def _reading(self, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
        """All partitions from the beginning, in no group."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            name = self.prefix + topic

            async def known() -> bool:
                await consumer._client.force_metadata_update()
                return bool(consumer.partitions_for_topic(name))

            await until(known)
            consumer.assign([TopicPartition(name, n) for n in consumer.partitions_for_topic(name) or ()])
            yield consumer
        finally:
            await consumer.stop()


def with_checksum(batch: bytes) -> bytes:
    """A record batch with its length and CRC as its bytes now want them."""
    whole = bytearray(batch)
    whole[8:12] = (len(whole) - 12).to_bytes(4, "big")
    whole[17:21] = calc_crc32c(bytes(whole[21:])).to_bytes(4, "big")
    return bytes(whole)


def with_header_name(name: bytes) -> Callable[[bytes], bytes]:
    """Put ``name`` in the place of the header name NAME, of the same length."""
    return lambda batch: batch.replace(b"NAME", name)


def damaged(batch: bytes) -> bytes:
    """A record that says it is longer than it is, compressed: no broker looks so deep, no client reads it."""
    broken = bytes([batch[61] + 2]) + batch[62:]
    return batch[:21] + b"\x00\x01" + batch[23:61] + gzip.compress(broken)


@dataclass
class Recorder:
    """A handler that remembers what it was given and decides each record by ``decide``."""

    decide: Callable[[Inbound], Outcome] = lambda _: Done()
    seen: list[Inbound] = field(default_factory=list)

    async def __call__(self, records: Sequence[Inbound]) -> Sequence[Outcome]:
        self.seen.extend(records)
        return [self.decide(record) for record in records]

    @property
    def values(self) -> list[bytes]:
        return [record.value for record in self.seen]


def passed_on(record: Inbound) -> Done:
    """The outcome of a stage that publishes what it reads."""
    return Done((Outbound(OUTPUT, key=record.key, value=record.value),))


@dataclass
class Running:
    """A stage that consumes, and what it consumes with."""

    stage: Stage
    broker: KafkaBroker
    consumer: Callable[[], AIOKafkaConsumer | None]

    @property
    def takes_more(self) -> bool:
        """False as soon as it is to stop."""
        return all(subscriber.running for subscriber in self.broker.subscribers)

    @property
    def partitions(self) -> int:
        consumer = self.consumer()
        return 0 if consumer is None else len(consumer.assignment())

    async def die(self) -> None:
        """As a killed process: what is in hand is not finished. But the group learns of it at once."""
        subscribers: list[Any] = list(self.broker.subscribers)
        for task in [task for subscriber in subscribers for task in subscriber.tasks]:
            task.cancel()
        consumer = self.consumer()
        assert consumer is not None
        await consumer.stop()


@asynccontextmanager
async def running_stage(
    kafka: Kafka,
    handler: Handler,
    *,
    topics: Sequence[str] = (INPUT,),
    pattern: str | None = None,
    producer: Callable[[Producer], Producer] = lambda real: real,
    confirm_seconds: float = 45,
    batch_seconds: float = BATCH_SECONDS,
    generation: Callable[[], int] | None = None,
    on_batch: Callable[[Fetched], Awaitable[None]] | None = None,
) -> AsyncIterator[Running]:
    """A stage as a worker runs it (see ``runtime.app.Worker.consume``), and a member of its group.

    ``generation`` and ``on_batch`` take the place of the stage's own.
    """
    async with open_producer(kafka.settings, client_id="test", confirm_seconds=confirm_seconds) as real:
        stage = Stage(
            service=SERVICE,
            producer=producer(real),
            handler=handler,
            topic_prefix=kafka.prefix,
            batch_seconds=batch_seconds,
        )
        broker = _faststream.make_broker(kafka.settings, client_id="test", on_broken=stage.fail)
        consumer = _faststream.subscribe(
            broker,
            group=kafka.group,
            topics=() if pattern else tuple(kafka.prefix + topic for topic in topics),
            pattern=pattern,
            listener=stage,
            generation=generation or stage.generation,
            on_batch=on_batch or stage.on_batch,
            session_timeout_seconds=kafka.settings.session_timeout_seconds,
        )
        try:
            await broker.start()
            await until(lambda: _aiokafka.joined(consumer()), seconds=30)
            yield Running(stage, broker, consumer)
        finally:
            stage.stop()
            await broker.stop()


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Database]:
    """A pool on a test's database."""
    settings = PostgresSettings(dsn=SecretStr(dsn))
    async with open_database(settings, application_name="test") as database:
        yield database
