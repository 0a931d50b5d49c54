"""The local Kafka: one broker, with whatever properties a test needs."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError

from stack.errors import PortTaken, StartFailed
from stack.kafka import KafkaBroker, KafkaRuntime
from stack.ports import free_ports
from tests.support.own_stack import SETTINGS, own_directory
from tests.support.stack_clients import create_topic, until_topics

JAAS = """\
org.apache.kafka.common.security.plain.PlainLoginModule required \
username="admin" password="admin-secret" user_admin="admin-secret" user_guest="guest-secret";\
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with own_directory() as directory:
        yield directory


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """Brokers to be killed after the test."""
    with ExitStack() as brokers:
        yield brokers


@pytest.fixture(scope="module")
def runtime() -> KafkaRuntime:
    return KafkaRuntime.find(SETTINGS)


def as_user(name: str) -> dict[str, Any]:
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": name,
        "sasl_plain_password": f"{name}-secret",
    }


async def test_a_killed_broker_comes_back_on_its_port_with_its_topics(
    home: Path, runtime: KafkaRuntime, running: ExitStack
) -> None:
    port, controller_port = free_ports(2)
    broker = KafkaBroker(home / "kafka", port=port, controller_port=controller_port)
    running.callback(broker.kill)
    broker.start(runtime)
    await create_topic(broker.bootstrap_servers, "kept")

    broker.kill()
    assert not broker.is_running
    broker.start(runtime)

    assert broker.bootstrap_servers == f"127.0.0.1:{port}"
    await until_topics(broker.bootstrap_servers, {"kept"}.issubset)


async def test_a_broker_can_be_given_sasl_and_an_authorizer(
    home: Path, runtime: KafkaRuntime, running: ExitStack
) -> None:
    port, controller_port = free_ports(2)
    properties = {
        "listeners": f"SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"SASL_PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": JAAS,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # The controller's listener has no authentication.
        "super.users": "User:admin;User:ANONYMOUS",
    }
    broker = KafkaBroker(
        home / "kafka",
        port=port,
        controller_port=controller_port,
        properties=properties,
        admin_options=as_user("admin"),
    )
    running.callback(broker.kill)
    broker.start(runtime)
    guest = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, **as_user("guest"))
    await guest.start()

    with pytest.raises(TopicAuthorizationFailedError):
        await guest.send_and_wait("not-for-guests", b"x")

    await guest.stop()


def test_a_port_that_somebody_took_is_told_from_other_failures(home: Path, runtime: KafkaRuntime) -> None:
    port, controller_port = free_ports(2)
    broker = KafkaBroker(home / "kafka", port=port, controller_port=controller_port)

    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match="Address already in use"):
        broker.start(runtime)

    assert not broker.is_running


def test_a_broker_that_cannot_start_shows_why(home: Path, runtime: KafkaRuntime) -> None:
    port, controller_port = free_ports(2)
    broker = KafkaBroker(
        home / "kafka",
        port=port,
        controller_port=controller_port,
        properties={"authorizer.class.name": "no.such.Authorizer"},
    )

    with pytest.raises(StartFailed, match=r"no\.such\.Authorizer"):
        broker.start(runtime)

    assert not broker.is_running
