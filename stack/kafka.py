"""One Kafka broker in KRaft mode, alone in its cluster, listening on 127.0.0.1 only.

Everything it writes is in its directory: data, configuration, temporary files. It may be stopped, killed and
started again on the same ports and data; what it acknowledged survives the death of its process.
"""

import base64
import logging
import os
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from stack import kafka_files
from stack.errors import PortTaken, StartFailed
from stack.jars import fetch, locked_jars
from stack.java import Java, find_java
from stack.ports import HOST, is_listening
from stack.processes import Process, is_running, run, spawn, stop, tail
from stack.progress import Progress, silent
from stack.settings import Settings
from stack.waiting import blocking, until

READY_SECONDS = 90
_FORMAT_SECONDS = 60
_PROBE_MILLISECONDS = 2_000
_STOP_STEPS = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 10.0))
_FIRST_WITH_UNSAFE_WARNING = 23
# The server's own words for a port in use, in its log.
_PORT_TAKEN = b"Address already in use"


@dataclass(frozen=True, slots=True)
class KafkaRuntime:
    """What a broker is run with: a Java and the jars."""

    java: Java
    jars: tuple[Path, ...]

    @classmethod
    def find(cls, settings: Settings, *, progress: Progress = silent) -> Self:
        """Find a Java and fetch the jars that the cache lacks.

        Raises ``NoJava``, ``DownloadFailed`` or ``MissingExtra`` of :mod:`stack.errors`.
        """
        java = find_java(settings)
        jars = fetch(locked_jars(), settings.cache, mirror=settings.maven_mirror, progress=progress)
        return cls(java=java, jars=tuple(jars))

    def command(self, main_class: str, *arguments: str | Path, jvm: tuple[str, ...]) -> list[str | Path]:
        class_path = os.pathsep.join(str(jar) for jar in self.jars)
        # JDK 24 and later warn about sun.misc.Unsafe; older ones refuse the option.
        quiet = (
            ["--sun-misc-unsafe-memory-access=allow"] if self.java.major >= _FIRST_WITH_UNSAFE_WARNING else []
        )
        return [self.java.executable, *quiet, *jvm, "-cp", class_path, main_class, *arguments]


class KafkaBroker:
    """A broker on given ports with its data in ``directory``, whether it runs or not.

    ``properties`` are added to the server's own and win over them (an authorizer, a SASL listener …).
    ``admin_options`` are what ``AIOKafkaAdminClient`` then needs to ask whether the broker is ready.
    ``process`` attaches to a broker started earlier, perhaps by another program.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        controller_port: int,
        properties: Mapping[str, str] | None = None,
        admin_options: Mapping[str, Any] | None = None,
        process: Process | None = None,
    ) -> None:
        self.directory = directory
        self.port = port
        self.controller_port = controller_port
        self.process = process
        self._properties = dict(properties or {})
        self._admin_options = dict(admin_options or {})
        self._log_offset = 0

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What the broker says, warnings and worse; appended over restarts."""
        return self.directory / "kafka.log"

    @property
    def is_running(self) -> bool:
        return is_running(self.process)

    def launch(self, runtime: KafkaRuntime) -> Process:
        """Format the data directory if it is new, start the broker, and do not wait for it."""
        files = kafka_files.write(
            self.directory, port=self.port, controller_port=self.controller_port, properties=self._properties
        )
        jvm = (
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Djava.io.tmpdir={files.temporary}",
            f"-Dlog4j2.configurationFile={files.logging}",
        )
        env = {"PATH": os.defpath, "HOME": str(self.directory), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        if not files.is_formatted:
            arguments = ("format", "-t", new_cluster_id(), "-c", files.server)
            command = runtime.command("kafka.tools.StorageTool", *arguments, jvm=(*jvm, "-Xmx128m"))
            run(command, cwd=self.directory, env=env, seconds=_FORMAT_SECONDS)
        self._log_offset = self.log.stat().st_size if self.log.exists() else 0
        command = runtime.command("kafka.Kafka", files.server, jvm=(*jvm, "-Xms64m", "-Xmx256m"))
        self.process = spawn(command, cwd=self.directory, env=env, log=self.log)
        return self.process

    def wait_ready(self, *, seconds: float = READY_SECONDS) -> None:
        """Return when the broker answers for its cluster.

        Raises :class:`StartFailed` (or :class:`PortTaken`) when it ended or is not ready in time; a broker
        that is merely late keeps running.
        """
        if until(lambda: not self.is_running or self._answers(), seconds=seconds) and self.is_running:
            return
        raise self._failure()

    def start(self, runtime: KafkaRuntime, *, launched: Callable[[Process], None] = lambda _: None) -> None:
        """Launch and wait; on failure nothing is left running. ``launched`` hears of the process at once."""
        launched(self.launch(runtime))
        try:
            self.wait_ready()
        except StartFailed:
            self.kill()
            raise

    def stop(self) -> None:
        """End the broker in order: 0.5 to 1 s. Does nothing when it is not running."""
        stop(self.process, *_STOP_STEPS)

    def kill(self) -> None:
        """End the broker at once, as a power cut would end the process."""
        stop(self.process, (signal.SIGKILL, 10.0))

    def _answers(self) -> bool:
        if not is_listening(self.port):
            return False
        with _silenced("aiokafka"):
            return blocking(self._describes_itself)

    async def _describes_itself(self) -> bool:
        options: dict[str, Any] = {"request_timeout_ms": _PROBE_MILLISECONDS, **self._admin_options}
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers, **options)
        try:
            await admin.start()
            cluster = await admin.describe_cluster()
            return bool(cluster["brokers"])
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()

    def _failure(self) -> StartFailed:
        with self.log.open("rb") as file:
            file.seek(self._log_offset)
            log = file.read()
        state = "is not ready" if self.is_running else "ended"
        reason = PortTaken if _PORT_TAKEN in log else StartFailed
        return reason(f"Kafka on {self.bootstrap_servers} {state}; the end of {self.log}:\n{tail(log)}")


@contextmanager
def _silenced(logger_name: str) -> Iterator[None]:
    """The client logs as an error what is only a question put too early."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def new_cluster_id() -> str:
    """A random cluster id: 16 bytes in URL-safe Base64 without padding, never beginning with a dash."""
    # A leading dash would be read as an option by the format command, hence the fixed first byte.
    return base64.urlsafe_b64encode(b"k" + secrets.token_bytes(15)).rstrip(b"=").decode("ascii")
