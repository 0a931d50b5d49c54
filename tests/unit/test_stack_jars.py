"""Jars: fetched from a real HTTP server on loopback, kept only with the locked content."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stack import jars
from stack.errors import DownloadFailed
from stack.jars import Jar, fetch, locked_jars
from stack.progress import Step

CONTENT = b"the real content"
JAR = Jar("org.example", "demo", "1.0", hashlib.sha256(CONTENT).hexdigest())
PATH = "/org/example/demo/1.0/demo-1.0.jar"
STORED = Path("maven/org/example/demo/1.0/demo-1.0.jar")


class Repository(ThreadingHTTPServer):
    """A Maven repository with one jar; the answers of ``script`` are given in turn, the last one for good."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[bytes | None] = [CONTENT]
        self.requested: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/maven2"

    def next_answer(self) -> bytes | None:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class _Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        path = self.path.removeprefix("/maven2")
        self.server.requested.append(path)
        body = self.server.next_answer() if path == PATH else None
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def repository() -> Iterator[Repository]:
    with Repository() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "_PAUSES_SECONDS", (0.0, 0.0))


def test_a_missing_jar_is_fetched_and_announced(repository: Repository, tmp_path: Path) -> None:
    steps: list[Step] = []

    paths = fetch([JAR], tmp_path / "cache", mirror=repository.address, progress=steps.append)

    assert paths == [tmp_path / "cache" / STORED]
    assert paths[0].read_bytes() == CONTENT
    assert steps == [Step("fetching Kafka", done=1, total=1)]


def test_a_jar_with_the_wrong_content_is_refused_and_fetched_again(
    repository: Repository, tmp_path: Path
) -> None:
    repository.script = [b"truncat", CONTENT]

    (path,) = fetch([JAR], tmp_path / "cache", mirror=repository.address)

    assert path.read_bytes() == CONTENT
    assert repository.requested.count(PATH) == 2


def test_a_jar_that_was_damaged_in_the_cache_is_fetched_again(repository: Repository, tmp_path: Path) -> None:
    (path,) = fetch([JAR], tmp_path / "cache", mirror=repository.address)
    path.write_bytes(b"damaged")

    fetch([JAR], tmp_path / "cache", mirror=repository.address)

    assert path.read_bytes() == CONTENT


def test_a_jar_that_never_has_the_locked_content_never_reaches_the_cache(
    repository: Repository, tmp_path: Path
) -> None:
    repository.script = [b"forged"]

    with pytest.raises(DownloadFailed, match=r"org\.example:demo:1\.0 .*not what the lock file names"):
        fetch([JAR], tmp_path / "cache", mirror=repository.address)

    assert repository.requested.count(PATH) == 3
    assert not (tmp_path / "cache" / STORED).exists()
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_a_warm_cache_needs_no_repository(repository: Repository, tmp_path: Path) -> None:
    fetch([JAR], tmp_path / "cache", mirror=repository.address)
    repository.requested.clear()
    steps: list[Step] = []

    fetch([JAR], tmp_path / "cache", mirror=repository.address, progress=steps.append)

    assert repository.requested == []
    assert steps == []


def test_an_unknown_jar_names_the_setting_and_not_the_mirrors_address(
    repository: Repository, tmp_path: Path
) -> None:
    repository.script = [None]
    mirror = repository.address.replace("http://", "http://user:hunter2@")

    with pytest.raises(DownloadFailed) as caught:
        fetch([JAR], tmp_path / "cache", mirror=f"{mirror}/")

    assert "KSEF_STACK__MAVEN_MIRROR" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_lock_file_names_one_broker_of_one_version() -> None:
    locked = locked_jars()

    assert len(locked) == 46
    assert len({jar.path for jar in locked}) == 46
    assert {jar.version for jar in locked if jar.group == "org.apache.kafka"} == {"4.3.1"}
    assert {len(jar.sha256) for jar in locked} == {64}
