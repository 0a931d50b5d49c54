"""The table of topics (``contracts/topics/*.yaml``), and creating what it says.

A name with ``<source>`` or ``<service>`` in it stands for one topic per source or service.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import BaseModel, ConfigDict, Field

from runtime.errors import ConfigurationError
from runtime.kafka import connection_options
from runtime.settings import KafkaSettings

_MILLISECONDS_PER_DAY = 24 * 3600 * 1000
_PLACEHOLDER = re.compile(r"<(source|service)>")
# Kafka allows more; ours are lower case with hyphens, dots between the parts.
_PART = "[a-z0-9-]+"


class Topic(BaseModel):
    """One row of the table. Sizes in bytes, retention in days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    meaning: str
    visibility: Literal["public", "internal"]
    key: str
    type: str | None
    instances: tuple[str, ...] = ()
    producers: tuple[str, ...] = Field(min_length=1)
    consumers: tuple[str, ...] = Field(min_length=1)
    partitions: int = Field(ge=1)
    retention_days: int = Field(ge=1)
    cleanup: Literal["delete", "compact"]
    timestamps: Literal["create", "log-append"]
    max_message_bytes: int = Field(ge=1)

    @property
    def per_source(self) -> bool:
        return "<source>" in self.name

    def names(self, sources: Iterable[str]) -> list[str]:
        """The topics this row stands for, without the installation's prefix."""
        instances = sources if self.per_source else (self.instances or ("",))
        return [_PLACEHOLDER.sub(instance, self.name) for instance in instances]

    def matches(self, name: str) -> bool:
        pattern = _PLACEHOLDER.sub("\0", self.name)
        return re.fullmatch(re.escape(pattern).replace("\0", _PART), name) is not None

    def settings(self, *, replication_factor: int) -> dict[str, str]:
        """Kafka's own settings for it."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_days * _MILLISECONDS_PER_DAY),
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "LogAppendTime" if self.timestamps == "log-append" else "CreateTime",
            "compression.type": "producer",
            "unclean.leader.election.enable": "false",
            "min.insync.replicas": str(max(1, replication_factor - 1)),
        }


@cache
def table() -> tuple[Topic, ...]:
    """All declared topics, in the order of their file names."""
    directory = files("contracts") / "topics"
    paths = sorted(
        (path for path in directory.iterdir() if path.name.endswith(".yaml")), key=lambda p: p.name
    )
    return tuple(Topic.model_validate(yaml.safe_load(path.read_text("utf-8"))) for path in paths)


def declared(name: str) -> Topic:
    """The row for a topic name (without prefix). Raises :class:`ConfigurationError` for an undeclared one."""
    for topic in table():
        if topic.matches(name):
            return topic
    raise ConfigurationError(f"topic {name!r} is not declared in contracts/topics")


def source_pattern(template: str, *, prefix: str) -> str:
    """A regular expression for all topics of a ``<source>`` template on this installation."""
    escaped = re.escape(_PLACEHOLDER.sub("\0", template)).replace("\0", _PART)
    return f"^{re.escape(prefix)}{escaped}$"


def source_of(name: str, template: str) -> str:
    """The source in a topic name (without prefix) that belongs to ``template``."""
    head, _, tail = template.partition("<source>")
    return name.removeprefix(head).removesuffix(tail)


@dataclass(frozen=True, slots=True)
class Applied:
    """What ``apply`` did to one topic; ``drift`` lists the settings put right, as ``name: was → is``."""

    name: str
    created: bool
    drift: tuple[str, ...] = ()


async def apply(settings: KafkaSettings, *, sources: Sequence[str]) -> list[Applied]:
    """Create the missing topics and put drifted settings right. Never changes a number of partitions:
    keys would move to other partitions and lose their order.
    """
    wanted = {
        settings.topic_prefix + name: topic for topic in table() for name in topic.names(sorted(set(sources)))
    }
    admin = AIOKafkaAdminClient(**connection_options(settings))
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        await _create(
            admin, {n: t for n, t in wanted.items() if n not in existing}, settings.replication_factor
        )
        applied = [Applied(name, created=True) for name in wanted if name not in existing]
        for name, topic in wanted.items():
            if name in existing:
                drift = await _mend(
                    admin, name, topic.settings(replication_factor=settings.replication_factor)
                )
                applied.append(Applied(name, created=False, drift=drift))
    finally:
        await admin.close()
    return sorted(applied, key=lambda row: row.name)


async def _create(admin: AIOKafkaAdminClient, topics: dict[str, Topic], replication_factor: int) -> None:
    if not topics:
        return
    response = await admin.create_topics(
        [
            NewTopic(
                name=name,
                num_partitions=topic.partitions,
                replication_factor=replication_factor,
                topic_configs=topic.settings(replication_factor=replication_factor),
            )
            for name, topic in topics.items()
        ]
    )
    already_exists = 36
    for name, code, *rest in response.topic_errors:
        if code not in (0, already_exists):
            raise ConfigurationError(f"Kafka refused to create topic {name}: {rest[0] if rest else code}")


async def _mend(admin: AIOKafkaAdminClient, name: str, wanted: dict[str, str]) -> tuple[str, ...]:
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    (response,) = await admin.describe_configs([resource])
    (found,) = response.resources
    actual = {entry[0]: entry[1] for entry in found[4]}
    drift = {key: value for key, value in wanted.items() if actual.get(key) != value}
    if drift:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=wanted)])
    return tuple(f"{key}: {actual.get(key)} → {value}" for key, value in drift.items())
