"""Kafka: the brokers, and who reads in our consumer groups with which lag."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaConnectionError

from cli.doctor.findings import Findings, ok, problem, warning
from runtime.errors import Transient
from runtime.kafka import connect, connection_options
from runtime.settings import KafkaSettings
from services import WORKERS


@asynccontextmanager
async def admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client. Raises ``Transient`` when no broker answers, ``Refused`` when one says no."""
    client = AIOKafkaAdminClient(client_id="ksef-courier-doctor", **connection_options(settings))
    try:
        try:
            await connect(client.start, settings)
        except KafkaConnectionError as error:
            raise Transient(f"no broker answers at {settings.bootstrap_servers}") from error
        yield client
    finally:
        await client.close()


async def brokers(settings: KafkaSettings) -> Findings:
    """Reachable, enough of them, and not making topics by themselves."""
    async with admin(settings) as client:
        cluster = await client.describe_cluster()
        nodes = cluster["brokers"]
        yield ok(f"{len(nodes)} brokers answer at {settings.bootstrap_servers}")
        if len(nodes) < settings.replication_factor:
            yield problem(
                f"{len(nodes)} brokers cannot keep {settings.replication_factor} copies of a topic",
                mend="add brokers, or set KSEF_KAFKA__REPLICATION_FACTOR to how many there are",
            )
        elif settings.replication_factor < 3:
            yield warning(
                f"topics are created with {settings.replication_factor} copies: a lost broker loses events",
                mend="for production: three brokers and KSEF_KAFKA__REPLICATION_FACTOR=3",
            )
        if await _makes_topics(client, str(nodes[0]["node_id"])):
            yield warning(
                "brokers create a topic when anybody names it, with their own settings",
                mend="set auto.create.topics.enable=false on the brokers",
            )


async def _makes_topics(client: AIOKafkaAdminClient, broker: str) -> bool:
    (response,) = await client.describe_configs([ConfigResource(ConfigResourceType.BROKER, broker)])
    # Not everybody may ask: then nothing is said.
    return any(
        entry[:2] == ("auto.create.topics.enable", "true")
        for resource in response.resources
        for entry in resource[4]
    )


async def groups(settings: KafkaSettings) -> Findings:
    """Every worker's group: members, and records that it has not read."""
    prefix = settings.topic_prefix
    async with admin(settings) as client, _consumer(settings) as consumer:
        for worker in WORKERS:
            group = f"{prefix}ksef.{worker}"
            members = await _members(client, group)
            lag = await _lag(client, consumer, group)
            text = f"{group}: {members} members, {lag} records to read"
            if members:
                yield ok(text)
            else:
                yield warning(text, mend=f"start one: ksef-courier run {worker}")


async def _members(client: AIOKafkaAdminClient, group: str) -> int:
    try:
        (response,) = await client.describe_consumer_groups([group])
    except GroupCoordinatorNotAvailableError:
        return 0  # before the very first group of a cluster there is no coordinator
    described: Mapping[str, Any] = response.to_object()
    return sum(len(row["members"]) for row in described["groups"])


async def _lag(client: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, group: str) -> int:
    try:
        committed = await client.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return 0
    partitions: list[TopicPartition] = list(committed)
    if not partitions:
        return 0
    ends = await consumer.end_offsets(partitions)
    return sum(max(0, ends[where] - committed[where].offset) for where in partitions)


@asynccontextmanager
async def _consumer(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that belongs to no group: it only asks for positions."""
    consumer = AIOKafkaConsumer(client_id="ksef-courier-doctor", **connection_options(settings))
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
