"""``/livez``, ``/readyz`` and ``/metrics``, answered from a thread of their own.

A thread, so that an event loop that has stopped turning can be seen. Live: the loop turns, and the progress
watchdog has seen nothing stuck. Ready: the stage has its partitions, the database takes writes, and nobody
has asked the process to end. KSeF, Kafka or PostgreSQL being away never fails liveness: restarting would not
bring them back.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import disable_created_metrics, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from runtime.settings import ProbeSettings

LOOP_STALL_SECONDS = 10.0
CHECK_AGE_SECONDS = 15.0


@dataclass(slots=True)
class Health:
    """Written by the event loop, read by the probes' thread."""

    clock: Callable[[], float] = time.monotonic
    turned_at: float = 0.0
    checked_at: float = 0.0
    not_ready: list[str] = field(default_factory=lambda: ["starting"])
    ending: bool = False
    """Set once, for good: a check that was under way must not make the process ready again."""
    stuck: str | None = None
    """Set once, for good: what does not move."""

    def tick(self) -> None:
        self.turned_at = self.clock()

    def checked(self, not_ready: list[str]) -> None:
        """Record the outcome of a readiness check: the reasons why not, none when ready."""
        self.checked_at, self.not_ready = self.clock(), not_ready

    def live(self) -> tuple[bool, str]:
        if self.stuck is not None:
            return False, self.stuck
        stalled = self.clock() - self.turned_at
        return stalled < LOOP_STALL_SECONDS, f"the loop turned {stalled:.1f} s ago"

    def ready(self) -> tuple[bool, str]:
        if self.ending:
            return False, "stopping"
        if self.not_ready:
            return False, "; ".join(self.not_ready)
        age = self.clock() - self.checked_at
        return age < CHECK_AGE_SECONDS, f"checked {age:.1f} s ago"


class Probes:
    """The server. ``address`` is where it listens."""

    def __init__(self, health: Health, settings: ProbeSettings) -> None:
        self._health = health
        # A time of birth for each counter doubles a scrape and answers no question.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # of the library
        self._metrics = make_wsgi_app()
        self._server: WSGIServer = make_server(
            settings.host, settings.port, self._application, ThreadingWSGIServer, handler_class=_Silent
        )
        self.address = f"http://{settings.host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/livez":
                ok, text = self._health.live()
            case "/readyz":
                ok, text = self._health.ready()
            case "/metrics":
                answer: Iterable[bytes] = self._metrics(environ, start_response)
                return answer
            case _:
                start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
                return [b"not found: /livez, /readyz and /metrics are here\n"]
        start_response(
            "200 OK" if ok else "503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")]
        )
        return [f"{'ok' if ok else 'not ok'}: {text}\n".encode()]


class _Silent(WSGIRequestHandler):
    timeout = 5  # a connection that says nothing must not hold its thread

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Probes every few seconds are not news."""
