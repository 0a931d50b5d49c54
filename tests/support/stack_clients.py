"""What tests ask of a Kafka or a PostgreSQL: one call, one connection."""

import asyncio
from collections.abc import Callable

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

_SECONDS = 30


async def create_topic(bootstrap_servers: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def topics_of(bootstrap_servers: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        return set(await admin.list_topics())
    finally:
        await admin.close()


async def until_topics(bootstrap_servers: str, condition: Callable[[set[str]], bool]) -> None:
    """Wait for what was created or deleted to show: a broker learns of it a moment after it is agreed."""
    async with asyncio.timeout(_SECONDS):
        while not condition(await topics_of(bootstrap_servers)):  # noqa: ASYNC110  a server sets no Event
            await asyncio.sleep(0.05)


async def publish(bootstrap_servers: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def first_record(bootstrap_servers: str, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(_SECONDS):
            record = await consumer.getone()
        return record.value or b""
    finally:
        await consumer.stop()


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def value_of(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def databases_of(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["datname"] for row in await connection.fetch("select datname from pg_database")]
    finally:
        await connection.close()
