"""A broker with passwords, TLS and an authorizer: nobody may do what is not granted.

Two listeners for clients, both on loopback: SASL_PLAINTEXT, and SASL_SSL with a certificate of a CA made for
the test. The passwords of the principals are known to the broker from its start (SASL/PLAIN); others can be
added by Kafka's own tool (SCRAM). The admin is a super user.
"""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from pydantic import SecretStr

from runtime.kafka import connection_options
from runtime.settings import KafkaSettings
from stack.kafka import KafkaBroker, KafkaRuntime
from stack.ports import free_ports
from stack.processes import run
from tests.support.certificates import Authority
from tests.support.own_stack import SETTINGS, own_directory

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "access.md"
ADMIN = "admin"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@dataclass(frozen=True)
class Secured:
    """Where it listens and what a principal needs to connect."""

    broker: KafkaBroker
    runtime: KafkaRuntime
    tls_port: int
    ca_file: Path
    prefix: str

    def settings(self, principal: str, *, prefix: str | None = None, **more: Any) -> KafkaSettings:
        """As a principal, without TLS and by SASL/PLAIN unless ``more`` says otherwise."""
        values = {
            "bootstrap_servers": self.broker.bootstrap_servers,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_username": principal,
            "sasl_password": SecretStr(password_of(principal)),
            "topic_prefix": self.prefix if prefix is None else prefix,
            "replication_factor": 1,
        }
        return KafkaSettings.model_validate(values | more)

    def options(self, principal: str) -> dict[str, Any]:
        """Keyword arguments of aiokafka's clients."""
        return connection_options(self.settings(principal))

    def tls(self, **more: str) -> dict[str, str]:
        """What to change in :func:`environ_of` for the listener with TLS."""
        return {
            "KSEF_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{self.tls_port}",
            "KSEF_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "KSEF_KAFKA__CA_FILE": str(self.ca_file),
        } | more

    def add_scram_user(self, principal: str) -> None:
        """As docs/operations/access.md says, with the tool that Kafka's script starts."""
        admin = self.broker.directory / "admin.properties"
        admin.write_text(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
            f'sasl.jaas.config={_PLAIN} username="{ADMIN}" password="{password_of(ADMIN)}";\n',
            "utf-8",
        )
        values = {
            "BOOTSTRAP_SERVERS": self.broker.bootstrap_servers,
            "ADMIN_PROPERTIES": str(admin),
            "PASSWORD": password_of(principal),
        }
        _script, *words = shlex.split(_documented("kafka-configs.sh").replace("ksef-intake", principal))
        arguments = [Template(word).substitute(values) for word in words]
        command = self.runtime.command("kafka.admin.ConfigCommand", *arguments, jvm=("-Xmx128m",))
        run(command, cwd=self.broker.directory, env={}, seconds=60)


def _documented(script: str) -> str:
    """The line of the page that calls a script."""
    lines = (line.strip() for line in PAGE.read_text("utf-8").splitlines())
    (line,) = (line for line in lines if line.startswith(f"{script} "))
    return line


def password_of(principal: str) -> str:
    return f"{principal}-secret"


def environ_of(settings: KafkaSettings) -> dict[str, str]:
    """The same settings as variables of a process."""
    password = settings.sasl_password
    return {
        "KSEF_KAFKA__BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "KSEF_KAFKA__SECURITY_PROTOCOL": settings.security_protocol,
        "KSEF_KAFKA__SASL_MECHANISM": settings.sasl_mechanism,
        "KSEF_KAFKA__SASL_USERNAME": settings.sasl_username or "",
        "KSEF_KAFKA__SASL_PASSWORD": password.get_secret_value() if password else "",
        "KSEF_KAFKA__TOPIC_PREFIX": settings.topic_prefix,
    }


@contextmanager
def secured_broker(principals: Sequence[str], *, prefix: str) -> Iterator[Secured]:
    """A running one of its own, that knows the ``principals`` and has granted nothing yet."""
    port, tls_port, controller_port = free_ports(3)
    runtime = KafkaRuntime.find(SETTINGS)
    with own_directory() as home:
        directory = home / "kafka"
        directory.mkdir()
        authority = Authority.new()
        (directory / "ca.pem").write_bytes(authority.certificate_pem)
        (directory / "server.pem").write_bytes(authority.issue_for_loopback())
        broker = KafkaBroker(
            directory,
            port=port,
            controller_port=controller_port,
            properties=_properties(port, tls_port, controller_port, directory / "server.pem", principals),
            admin_options={
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": ADMIN,
                "sasl_plain_password": password_of(ADMIN),
            },
        )
        broker.start(runtime)
        try:
            yield Secured(broker, runtime, tls_port, directory / "ca.pem", prefix)
        finally:
            broker.kill()


def _properties(
    port: int, tls_port: int, controller_port: int, keystore: Path, principals: Sequence[str]
) -> dict[str, str]:
    users = " ".join(f'user_{name}="{password_of(name)}"' for name in (ADMIN, *principals))
    plain = f'{_PLAIN} username="{ADMIN}" password="{password_of(ADMIN)}" {users};'
    clients = f"SASL_PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{tls_port}"
    properties = {
        "listeners": f"{clients},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": clients,
        "listener.security.protocol.map": (
            "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT"
        ),
        "inter.broker.listener.name": "SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # The controller's listener has no authentication.
        "super.users": f"User:{ADMIN};User:ANONYMOUS",
    }
    for listener in ("sasl_plaintext", "sasl_ssl"):
        properties[f"listener.name.{listener}.plain.sasl.jaas.config"] = plain
        properties[f"listener.name.{listener}.scram-sha-512.sasl.jaas.config"] = _SCRAM
    return properties
