"""The topics on the cluster against ``contracts/topics``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from cli.doctor.findings import Finding, Findings, ok, problem, warning
from cli.doctor.installation import Installation
from cli.doctor.kafka import admin
from runtime.settings import KafkaSettings
from runtime.topics import Topic, table

_APPLY = "ksef-courier topics apply"


async def topics(installation: Installation) -> Findings:
    """Missing ones, drifted settings, other numbers of partitions or copies, partitions that nobody leads."""
    settings = installation.settings.kafka
    try:
        sources: Sequence[str] = list((await installation.configuration()).sources)
    except Exception:  # noqa: BLE001  the part `postgres` says why
        sources = ()
        yield warning(
            "the configured sources are not known: their topics were not looked at",
            mend="see what is found about postgres",
        )
    wanted = _wanted(settings, sources)
    async with admin(settings) as client:
        existing = {row["topic"]: row for row in await client.describe_topics()}
        present = [name for name in wanted if name in existing]
        actual = await _settings_of(client, present)
    findings = [
        finding
        for name, topic in wanted.items()
        for finding in _compare(name, topic, existing.get(name), actual.get(name, {}), settings=settings)
    ]
    for finding in findings:
        yield finding
    if not findings:
        yield ok(f"{len(wanted)} topics are as contracts/topics says")


def _wanted(settings: KafkaSettings, sources: Sequence[str]) -> dict[str, Topic]:
    return {settings.topic_prefix + name: topic for topic in table() for name in topic.names(sorted(sources))}


async def _settings_of(client: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    responses = await client.describe_configs(resources)
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for response in responses
        for resource in response.resources
    }


def _compare(
    name: str,
    topic: Topic,
    existing: Mapping[str, Any] | None,
    actual: Mapping[str, str],
    *,
    settings: KafkaSettings,
) -> Iterator[Finding]:
    if existing is None:
        yield problem(f"{name} does not exist", mend=_APPLY)
        return
    wanted = topic.settings(replication_factor=settings.replication_factor)
    drift = [
        f"{key} is {actual.get(key)}, not {value}"
        for key, value in wanted.items()
        if actual.get(key) != value
    ]
    if drift:
        yield problem(f"{name}: {'; '.join(drift)}", mend=_APPLY)
    partitions = existing["partitions"]
    if len(partitions) != topic.partitions:
        yield warning(
            f"{name} has {len(partitions)} partitions, declared are {topic.partitions}",
            mend="nothing is lost by it; change it only while no document flows: keys change partitions",
        )
    if orphans := sum(1 for partition in partitions if partition["leader"] < 0):
        yield problem(f"{name}: nobody leads {orphans} of its partitions", mend="start the missing brokers")
    copies = min((len(partition["replicas"]) for partition in partitions), default=0)
    if copies < settings.replication_factor:
        yield warning(
            f"{name} has {copies} copies, KSEF_KAFKA__REPLICATION_FACTOR says {settings.replication_factor}",
            mend="reassign its replicas with Kafka's kafka-reassign-partitions",
        )
