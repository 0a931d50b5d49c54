"""Kafka's authorizer, asked and told: requests that aiokafka can send but has no calls for.

aiokafka describes the messages about ACLs and has no calls for them; the message that asks what a client may
do with a topic (Metadata of version 8, KIP-430) is described here, because aiokafka stops at version 5.

Tested on a broker with an authorizer in tests/integration/test_access.py.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    NoError,
    SecurityDisabled,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from runtime.acl import Acl, Operation, Pattern, Permission, Resource
from runtime.errors import ConfigurationError
from runtime.kafka import connect, connection_options
from runtime.settings import KafkaSettings

_ANY = 1
_USER = "User:"


@asynccontextmanager
async def open_client(settings: KafkaSettings) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(client_id="ksef-courier", **connection_options(settings))
    try:
        await connect(client.bootstrap, settings)
        yield client
    finally:
        await client.close()


async def describe(client: AIOKafkaClient) -> list[Acl]:
    """Every entry about a user that this version can name. Raises :class:`ConfigurationError`."""
    request = DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)
    response = await _send(client, request)
    _refuse(response.error_code, response.error_message, doing="show its ACLs")
    found = []
    for resource, name, pattern, entries in response.resources:
        for principal, host, operation, permission in entries:
            if not principal.startswith(_USER):
                continue
            # A code of a newer Kafka: nothing that we ever ask for.
            with suppress(ValueError):
                acl = Acl(
                    principal=principal.removeprefix(_USER),
                    resource=Resource(resource),
                    name=name,
                    pattern=Pattern(pattern),
                    operation=Operation(operation),
                    permission=Permission(permission),
                    host=host,
                )
                found.append(acl)
    return found


async def create(client: AIOKafkaClient, acls: Sequence[Acl]) -> None:
    """In the given order. Creating what is there changes nothing. Raises :class:`ConfigurationError`."""
    if acls:
        response = await _send(client, _Create(acls))
        for code, message in response.creation_responses:
            _refuse(code, message, doing="create ACLs")


async def delete(client: AIOKafkaClient, acls: Sequence[Acl]) -> None:
    """Deleting what is not there changes nothing. Raises :class:`ConfigurationError`."""
    if acls:
        response = await _send(client, _Delete(acls))
        for code, message, _matches in response.filter_responses:
            _refuse(code, message, doing="delete ACLs")


async def allowed(client: AIOKafkaClient, topics: Sequence[str]) -> dict[str, frozenset[Operation] | None]:
    """What the client itself may do with each topic; None for one that does not exist.

    Of a topic that it may not describe nothing is known: the set is empty then, whether it exists or not. A
    broker without an authorizer allows everything.
    """
    response = await _send(client, _Topics(topics))
    return {name: _operations(code, bits) for code, name, _internal, _partitions, bits in response.topics}


def _operations(code: int, bits: int) -> frozenset[Operation] | None:
    error = for_code(code)
    if error is UnknownTopicOrPartitionError:
        return None
    if error is TopicAuthorizationFailedError:
        return frozenset()
    return frozenset(operation for operation in Operation if bits >> operation & 1)


async def _send(client: AIOKafkaClient, request: Request[Any]) -> Any:
    return await client.send(client.get_random_node(), request)


def _fields(acl: Acl) -> tuple[object, ...]:
    return (
        acl.resource,
        acl.name,
        acl.pattern,
        _USER + acl.principal,
        acl.host,
        acl.operation,
        acl.permission,
    )


def _refuse(code: int, message: str | None, *, doing: str) -> None:
    error = for_code(code)
    if error is NoError:
        return
    if error is SecurityDisabled:
        raise ConfigurationError(
            "the brokers have no authorizer, so ACLs would protect nothing: set authorizer.class.name first"
        )
    if error is ClusterAuthorizationFailedError:
        raise ConfigurationError(
            f"Kafka refused to {doing}: that takes Alter and Describe on the cluster, as a super user has. "
            "Who has it may also run the lines of `ksef-courier topics acl --commands`"
        )
    raise ConfigurationError(f"Kafka refused to {doing}: {message or error.__name__}")


class _Create(Request[CreateAclsRequest_v1]):  # type: ignore[misc]  # aiokafka has no types
    """All at once: aiokafka's own takes one, and each would wait for the controllers to agree."""

    API_KEY = 30

    def __init__(self, acls: Sequence[Acl]) -> None:
        self._entries = [_fields(acl) for acl in acls]

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(self._entries)


class _Delete(Request[DeleteAclsRequest_v1]):  # type: ignore[misc]  # aiokafka has no types
    """As above; an entry with every field given is a filter that matches itself only."""

    API_KEY = 31

    def __init__(self, acls: Sequence[Acl]) -> None:
        self._entries = [_fields(acl) for acl in acls]

    def build(self, request_struct_class: type[DeleteAclsRequest_v1]) -> DeleteAclsRequest_v1:
        return request_struct_class(self._entries)


class _TopicsResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8"))),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _TopicsStruct(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _TopicsResponse
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _Topics(Request[_TopicsStruct]):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = list(topics)

    def build(self, request_struct_class: type[_TopicsStruct]) -> _TopicsStruct:
        return request_struct_class(self._topics, False, False, True)
