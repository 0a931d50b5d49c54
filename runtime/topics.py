"""The table of topics (``contracts/topics/*.yaml``), and creating what it says.

A name with ``<source>`` or ``<service>`` in it stands for one topic per source or service.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAuthorizationFailedError, for_code
from pydantic import BaseModel, ConfigDict, Field

from runtime.errors import ConfigurationError
from runtime.kafka import connect, connection_options
from runtime.settings import KafkaSettings

_MILLISECONDS_PER_DAY = 24 * 3600 * 1000
_PLACEHOLDER = re.compile(r"<(source|service)>")
# Kafka allows more; ours are lower case with hyphens, dots between the parts.
_PART = "[a-z0-9-]+"
# ConfigSource.DYNAMIC_TOPIC_CONFIG in the answer to DescribeConfigs.
_SET_ON_THE_TOPIC = 1
_ALREADY_EXISTS = 36
_KNOWN_SECONDS = 30


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
        return list(self.by_instance(sources).values())

    def by_instance(self, sources: Iterable[str]) -> dict[str, str]:
        """The same, by the source or service that each one is for; ``""`` when there is only one."""
        instances = sources if self.per_source else (self.instances or ("",))
        return {instance: _PLACEHOLDER.sub(instance, self.name) for instance in instances}

    def matches(self, name: str) -> bool:
        part = "|".join(map(re.escape, self.instances)) or _PART
        return re.fullmatch(_pattern(self.name, f"(?:{part})"), name) is not None

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


def _pattern(template: str, part: str) -> str:
    return re.escape(_PLACEHOLDER.sub("\0", template)).replace("\0", part)


@cache
def table() -> tuple[Topic, ...]:
    """All declared topics, in the order of their file names."""
    directory = files("contracts") / "topics"
    paths = sorted(
        (path for path in directory.iterdir() if path.name.endswith(".yaml")), key=lambda p: p.name
    )
    return tuple(Topic.model_validate(yaml.safe_load(path.read_text("utf-8"))) for path in paths)


@cache
def declared(name: str) -> Topic:
    """The row for a topic name (without prefix). Raises :class:`ConfigurationError` for an undeclared one."""
    for topic in table():
        if topic.matches(name):
            return topic
    raise ConfigurationError(f"topic {name!r} is not declared in contracts/topics")


def source_pattern(template: str, *, prefix: str) -> str:
    """A regular expression for all topics of a ``<source>`` template on this installation."""
    return f"^{re.escape(prefix)}{_pattern(template, _PART)}$"


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
    try:
        await connect(admin.start, settings)
        existing = set(await admin.list_topics())
        missing = {name: topic for name, topic in wanted.items() if name not in existing}
        created = await _create(admin, missing, settings.replication_factor)
        applied = [Applied(name, created=True) for name in created]
        for name in wanted.keys() - created:
            configs = wanted[name].settings(replication_factor=settings.replication_factor)
            applied.append(Applied(name, created=False, drift=await _mend(admin, name, configs)))
    finally:
        await admin.close()
    return sorted(applied, key=lambda row: row.name)


async def _create(
    admin: AIOKafkaAdminClient, topics: Mapping[str, Topic], replication_factor: int
) -> set[str]:
    """Those of ``topics`` that were created now, by us; all of them exist afterwards."""
    if not topics:
        return set()
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
    created = set()
    for name, code, *rest in response.topic_errors:
        if code not in (0, _ALREADY_EXISTS):
            raise ConfigurationError(_refusal(name, code, rest[0] if rest else None))
        if code == 0:
            created.add(name)
    await _until_known(admin, topics.keys())
    return created


def _refusal(name: str, code: int, message: str | None) -> str:
    reason = f"Kafka refused to create topic {name}: {message or for_code(code).__name__}"
    if for_code(code) is not TopicAuthorizationFailedError:
        return reason
    return f"{reason} That takes ksef-operator, granted by `ksef-courier topics acl --apply`, or a super user"


async def _until_known(admin: AIOKafkaAdminClient, names: Iterable[str]) -> None:
    """A broker learns of a new topic a moment after it is agreed."""
    wanted = set(names)
    try:
        async with asyncio.timeout(_KNOWN_SECONDS):
            while not wanted <= set(await admin.list_topics()):  # noqa: ASYNC110  a broker sets no Event
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise ConfigurationError(
            f"topics were created, but Kafka does not show them after {_KNOWN_SECONDS} s: apply them again"
        ) from None


async def _mend(admin: AIOKafkaAdminClient, name: str, wanted: dict[str, str]) -> tuple[str, ...]:
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    _refuse_errors(response.resources, doing=f"show the settings of topic {name}")
    entries = response.resources[0][4]
    actual = {entry[0]: entry[1] for entry in entries}
    drift = {key: value for key, value in wanted.items() if actual.get(key) != value}
    if drift:
        # The request replaces all of a topic's own settings: what an operator has added stays.
        own = {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_THE_TOPIC}
        resource = ConfigResource(ConfigResourceType.TOPIC, name, configs=own | wanted)
        (response,) = await admin.alter_configs([resource])
        _refuse_errors(response.resources, doing=f"change the settings of topic {name}")
    return tuple(f"{key}: {actual.get(key)} → {value}" for key, value in drift.items())


def _refuse_errors(resources: Sequence[Any], *, doing: str) -> None:
    for code, message, *_ in resources:
        if code:
            raise ConfigurationError(f"Kafka refused to {doing}: {message or code}")
