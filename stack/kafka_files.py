"""The files that a broker is started with. Written anew at every start, because ports may have changed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.ports import HOST

# Small and quick, for one node and one machine; Kafka's defaults are meant for servers of their own.
_SIZES = {
    "num.partitions": "3",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    # The default of 128 MB would not fit into the heap.
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.segment.bytes": "67108864",
    "log.index.size.max.bytes": "1048576",
    # Deleted topics leave the disk at once, not after a minute: tests make and delete many.
    "log.segment.delete.delay.ms": "1000",
    # After a kill the broker is let in again only when its old session has run out: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}

# Warnings and worse to standard output, which the starter sends to a file. OFF is quoted: bare, it is false.
_LOGGING = """\
Configuration:
  status: "OFF"
  Appenders:
    Console: {name: Out, target: SYSTEM_OUT, PatternLayout: {pattern: "%d{ISO8601} %-5p %c{1} %m%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: Out}]}
"""


@dataclass(frozen=True, slots=True)
class KafkaFiles:
    server: Path
    logging: Path
    temporary: Path
    data: Path

    @property
    def is_formatted(self) -> bool:
        """The format command writes this file last."""
        return (self.data / "meta.properties").exists()


def write(directory: Path, *, port: int, controller_port: int, properties: Mapping[str, str]) -> KafkaFiles:
    """Make ``directory`` with the configuration, readable by this user only (it may carry passwords)."""
    files = KafkaFiles(
        server=directory / "server.properties",
        logging=directory / "log4j2.yaml",
        temporary=directory / "tmp",
        data=directory / "data",
    )
    files.temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    merged = server_properties(files.data, port=port, controller_port=controller_port) | dict(properties)
    _write_private(files.server, "".join(f"{name}={value}\n" for name, value in merged.items()))
    _write_private(files.logging, _LOGGING)
    return files


def server_properties(data: Path, *, port: int, controller_port: int) -> dict[str, str]:
    """A broker and controller in one, without authentication, on this machine only."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data),
        **_SIZES,
    }


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
