"""The producer on a real broker: declared topics only, keys and order kept, confirmed or an error in time."""

import hashlib
import time

import pytest

from runtime.errors import ConfigurationError, ProducerStuck, RecordTooLarge
from runtime.producer import Producer, open_producer
from runtime.records import Outbound
from tests.support.kit import INPUT, OUTPUT, Kafka


async def test_an_undeclared_topic_is_refused_and_nothing_of_its_batch_is_published(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    records = [
        Outbound(INPUT, key=b"k", value=b"good"),
        Outbound("sales.document.lost.v1", key=b"k", value=b"v"),
    ]

    async with open_producer(kafka.settings, client_id="test") as producer:
        with pytest.raises(ConfigurationError, match=r"sales\.document\.lost\.v1"):
            await producer.publish(records)

    assert await kafka.count(INPUT) == 0


async def test_keys_headers_and_the_order_of_each_key_are_kept(kafka: Kafka) -> None:
    await kafka.create(INPUT, partitions=3)
    records = [
        Outbound(INPUT, key=b"k%d" % (n % 5), value=b"%d" % n, headers=[("n", b"%d" % n), ("none", None)])
        for n in range(1_000)
    ]

    async with open_producer(kafka.settings, client_id="test") as producer:
        await producer.publish(records)
        await producer.publish([Outbound(INPUT, key=b"k0", value=b"last")])

    published = await kafka.read(INPUT, 1_001)
    assert [record.value for record in published if record.key == b"k3"] == [
        b"%d" % n for n in range(3, 1_000, 5)
    ]
    assert [record.value for record in published if record.key == b"k0"][-1] == b"last"
    assert len({record.partition for record in published if record.key == b"k0"}) == 1
    assert len({record.partition for record in published}) > 1
    (seventh,) = [record for record in published if record.value == b"7"]
    assert list(seventh.headers) == [("n", b"7"), ("none", None)]


async def test_a_broker_that_does_not_confirm_is_noticed_within_the_bound(kafka: Kafka) -> None:
    await kafka.create(INPUT)

    async with open_producer(kafka.settings, client_id="test", confirm_seconds=1) as producer:
        await producer.publish([Outbound(INPUT, key=b"k", value=b"one")])
        await kafka.delete(INPUT)
        started = time.monotonic()
        with pytest.raises(ProducerStuck, match="no confirmation from Kafka within 1 s"):
            await publish_until_gone(producer)

    assert time.monotonic() - started < 15


async def publish_until_gone(producer: Producer) -> None:
    """The broker takes records until it has carried out the deletion."""
    while True:
        await producer.publish([Outbound(INPUT, key=b"k", value=b"two")])


def noise(size: int) -> bytes:
    """Bytes that do not compress."""
    return hashlib.shake_256(b"noise").digest(size)


async def test_a_record_that_the_broker_refuses_is_fatal_since_sequence_numbers_are_lost(
    kafka: Kafka,
) -> None:
    await kafka.create(INPUT, configs={"max.message.bytes": "1000"})  # drifted from what is declared

    async with open_producer(kafka.settings, client_id="test") as producer:
        with pytest.raises(ProducerStuck, match="MessageSizeTooLarge"):
            await producer.publish([Outbound(INPUT, key=b"k", value=noise(5_000))])


async def test_a_record_above_its_topics_limit_is_refused_before_anything_is_published(kafka: Kafka) -> None:
    await kafka.create(INPUT)
    records = [Outbound(INPUT, key=b"k", value=b"small"), Outbound(INPUT, key=b"k", value=b"x" * 2_097_152)]

    async with open_producer(kafka.settings, client_id="test") as producer:
        with pytest.raises(RecordTooLarge, match="2097152"):
            await producer.publish(records)

    assert await kafka.count(INPUT) == 0


async def test_a_record_just_below_its_topics_limit_is_taken_by_the_broker(kafka: Kafka) -> None:
    await kafka.create(INPUT, configs={"max.message.bytes": "2097152"})

    async with open_producer(kafka.settings, client_id="test") as producer:
        await producer.publish([Outbound(INPUT, key=b"k", value=noise(2_097_152 - 1_100))])

    assert [len(record.value) for record in await kafka.read(INPUT, 1)] == [2_096_052]


async def test_the_prefix_stands_before_the_topics_name(kafka: Kafka) -> None:
    await kafka.create(OUTPUT)

    async with open_producer(kafka.settings, client_id="test") as producer:
        await producer.publish([Outbound(OUTPUT, key=b"k", value=b"one")])

    assert [record.topic for record in await kafka.read(OUTPUT, 1)] == [f"{kafka.prefix}{OUTPUT}"]
