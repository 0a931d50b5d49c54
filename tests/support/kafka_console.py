"""Kafka's own console tools, under the names that its distribution gives them, run by the stack's Java.

The broker needs no tools, so their jar is not among the stack's; it is fetched in the same way, into the same
cache, in the version of the others, and kept only if its SHA-256 is the one named here.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stack.jars import Jar, fetch
from stack.kafka import KafkaRuntime
from stack.settings import Settings

TOOLS: Final = Jar(
    group="org.apache.kafka",
    artifact="kafka-tools",
    version="4.3.1",
    sha256="62f3c5dd7aa3442d4c5bc6a95f86e2502178ea09de8e27f74d9563bf955e253c",
)
_CLASSES: Final = {
    "kafka-console-producer.sh": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
}
_JVM: Final = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


def install(directory: Path) -> None:
    """Write one script for each tool into ``directory``, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    settings = Settings.from_environ(os.environ)
    runtime = KafkaRuntime.find(settings)
    tools = fetch([TOOLS], settings.cache, mirror=settings.maven_mirror)
    complete = KafkaRuntime(java=runtime.java, jars=(*runtime.jars, *tools))
    for name, main_class in _CLASSES.items():
        command = shlex.join(str(part) for part in complete.command(main_class, jvm=_JVM))
        script = directory / name
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', "utf-8")
        script.chmod(0o755)


def environment(directory: Path, **variables: str) -> Mapping[str, str]:
    """This process's environment with the tools on the PATH, and with ``variables``."""
    path = os.pathsep.join((str(directory), os.environ.get("PATH", os.defpath)))
    return {**os.environ, "PATH": path, **variables}
