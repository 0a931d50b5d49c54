"""Kafka's jars: exactly those of the lock file, in a cache outside the tree.

A file is in the cache under its final name only after its SHA-256 was found right, and it is checked again at
every start. A warm cache needs neither the network nor the fetching package.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from stack.errors import DownloadFailed, MissingExtra
from stack.locking import locked
from stack.progress import Progress, Step, silent

if TYPE_CHECKING:
    from jgo.maven import MavenContext

_PAUSES_SECONDS = (0.5, 2.0)  # between three attempts
_HTTP_TIMEOUT_SECONDS = 60
_LOCK_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock file: Maven coordinates and the SHA-256 of the content, in hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies, relative to the root of a Maven repository."""
        file_name = f"{self.artifact}-{self.version}.jar"
        return Path(*self.group.split("."), self.artifact, self.version, file_name)


def locked_jars() -> list[Jar]:
    """All that a Kafka broker needs, in the versions that belong together."""
    lock = json.loads((files("stack") / "kafka_jars.lock.json").read_text("utf-8"))
    return [Jar(*fields) for fields in lock["jars"]]


def fetch(
    jars: Sequence[Jar], cache: Path, *, mirror: str | None = None, progress: Progress = silent
) -> list[Path]:
    """The paths of ``jars`` in ``cache``, in their order, fetched when missing or not as locked.

    ``mirror``: base address of a Maven repository to ask instead of the public one. Safe to call from several
    processes at once. Raises :class:`DownloadFailed` when three attempts did not yield the locked content.
    """
    repository = cache / "maven"
    if _wrong(jars, repository):
        with locked(cache / "maven.lock", seconds=_LOCK_SECONDS, progress=progress):
            _Fetcher(cache, repository, mirror).fetch(_wrong(jars, repository), progress)
    return [repository / jar.path for jar in jars]


def _wrong(jars: Iterable[Jar], repository: Path) -> list[Jar]:
    return [jar for jar in jars if not _is_as_locked(repository / jar.path, jar)]


def _is_as_locked(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


class _Fetcher:
    """Downloads beside the repository and moves in what is right. To be used under the cache's lock."""

    def __init__(self, cache: Path, repository: Path, mirror: str | None) -> None:
        self._staging = cache / "maven.staging"
        self._repository = repository
        self._mirror = mirror.rstrip("/") if mirror else None

    def fetch(self, jars: Sequence[Jar], progress: Progress) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)  # of a run that was killed
        context = _maven(self._staging, self._mirror)
        # One after the other took 3 s for all 46; in parallel it was slower, stalled on looking up names.
        try:
            for done, jar in enumerate(jars, start=1):
                self._fetch_one(context, jar)
                progress(Step("fetching Kafka", done=done, total=len(jars)))
        finally:
            shutil.rmtree(self._staging, ignore_errors=True)

    def _fetch_one(self, context: "MavenContext", jar: Jar) -> None:
        failures: list[str] = []
        for pause in (*_PAUSES_SECONDS, None):
            failure = self._attempt(context, jar)
            if failure is None:
                return
            failures.append(failure)
            if pause is not None:
                time.sleep(pause)
        raise DownloadFailed(
            f"{jar.group}:{jar.artifact}:{jar.version} could not be fetched: {'; '.join(failures)}."
            " Check the network or the proxy, or name a mirror in KSEF_STACK__MAVEN_MIRROR"
        )

    def _attempt(self, context: "MavenContext", jar: Jar) -> str | None:
        """None when the jar is in the repository, else what went wrong."""
        staged = self._staging / jar.path
        staged.unlink(missing_ok=True)
        try:
            context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        # requests raises OSErrors, jgo RuntimeError for "not found anywhere".
        except (OSError, RuntimeError) as error:
            return f"{type(error).__name__}: {self._without_mirror(str(error))}"
        if not _is_as_locked(staged, jar):
            return "the content is not what the lock file names"
        final = self._repository / jar.path
        final.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(final)
        return None

    def _without_mirror(self, text: str) -> str:
        # The address may carry a user and a password.
        return text.replace(self._mirror, "<the mirror>") if self._mirror else text


def _maven(directory: Path, mirror: str | None) -> "MavenContext":
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415  in the extra "local", and slow to import
    except ImportError as error:
        raise MissingExtra("jgo") from error
    repositories = {"mirror": mirror} if mirror else None
    return MavenContext(repo_cache=directory, remote_repos=repositories, timeout=_HTTP_TIMEOUT_SECONDS)
