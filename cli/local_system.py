"""The whole system on this machine: simulator and workers as processes beside a Kafka and a PostgreSQL.

Used by the demo and by the end-to-end tests, so that what the demo shows is what is tested.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cli import config, operations, topics
from cli.config_files import ConfigFiles
from runtime.errors import CourierError
from runtime.secrets import new_key
from runtime.settings import Settings
from stack import processes
from stack.local import Addresses
from stack.processes import Process
from stack.waiting import until

READY_SECONDS = 60.0


class LocalSystemFailed(CourierError):
    """A part did not come up, or ended; the text says which and where its log is."""


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator, and what its admin port can do."""

    process: Process
    api: str
    admin_url: str
    admin_token: str = field(repr=False)
    acceptance_log: Path

    def admin(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One call to the admin port; its JSON answer, empty for none. Raises LocalSystemFailed."""
        headers = {"Authorization": f"Bearer {self.admin_token}"}
        response = httpx.request(method, self.admin_url + path, headers=headers, json=body, timeout=30)
        if response.is_error:
            raise LocalSystemFailed(
                f"simulator {method} {path}: {response.status_code} {response.text[:200]}"
            )
        return dict(response.json()) if response.content else {}

    def mint_token(self, nip: str, name: str) -> str:
        """A KSeF token of a company, which is added if need be."""
        self.admin("POST", "/companies", {"nip": nip, "name": name})
        return str(self.admin("POST", "/tokens", {"nip": nip})["token"])

    def accepted(self) -> list[dict[str, Any]]:
        """What got a KSeF number, in order: the oracle of every claim about sending."""
        return self.log("accepted")

    def log(self, event: str) -> list[dict[str, Any]]:
        """The lines of the acceptance log about one kind of event (``received``, ``accepted``)."""
        lines = self.acceptance_log.read_text("utf-8").splitlines() if self.acceptance_log.exists() else []
        return [entry for entry in map(json.loads, lines) if entry["event"] == event]


def start_simulator(
    directory: Path, *, limits: str = "production", port: int = 0, options: Sequence[str] = ()
) -> Simulator:
    """Start a simulator that keeps its data in ``directory``, and wait until it serves."""
    directory.mkdir(parents=True, exist_ok=True)
    ready = directory / "ready.json"
    ready.unlink(missing_ok=True)
    log = directory / "simulator.log"
    command = [sys.executable, "-m", "simulator", "--data", str(directory), "--ready-file", str(ready)]
    command += ["--limits", limits, "--port", str(port), *options]
    process = processes.spawn(command, cwd=Path.cwd(), env=os.environ, log=log)
    until(
        lambda: ready.exists() or not processes.is_running(process), seconds=READY_SECONDS, every_seconds=0.02
    )
    if not ready.exists():
        raise LocalSystemFailed(f"the simulator did not start:\n{processes.tail(log.read_bytes())}")
    content = json.loads(ready.read_text("utf-8"))
    return Simulator(
        process=process,
        api=content["api"],
        admin_url=content["admin_url"],
        admin_token=content["admin_token"],
        acceptance_log=Path(content["acceptance_log"]),
    )


def environment(
    addresses: Addresses,
    simulator: Simulator,
    *,
    tokens: Mapping[str, str],
    trace_directory: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The variables under which commands and workers find each other; secrets among them."""
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KSEF_")},
        "KSEF_ENVIRONMENT": "test",
        "KSEF_KAFKA__BOOTSTRAP_SERVERS": addresses.kafka_bootstrap,
        "KSEF_KAFKA__REPLICATION_FACTOR": "1",
        "KSEF_POSTGRES__DSN": addresses.postgres_dsn,
        "KSEF_API__BASE_URL": simulator.api,
        "KSEF_SECRETS__MASTER_KEY": new_key(),
        **{f"KSEF_TOKEN_{nip}": token for nip, token in tokens.items()},
    }
    if trace_directory is not None:
        variables |= {
            "KSEF_TRACING__EXPORTER": "file",
            "KSEF_TRACING__DIRECTORY": str(trace_directory),
            "KSEF_TRACING__SAMPLE_RATIO": "1",
        }
    return variables | dict(more or {})


def settings_of(environ: Mapping[str, str]) -> Settings:
    """The settings that these variables mean, for this process."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        return Settings.load()
    finally:
        os.environ.clear()
        os.environ.update(before)


async def prepare(settings: Settings, files: ConfigFiles, *, by: str) -> None:
    """Migrate, apply the configuration, create the topics. Safe to repeat."""
    await operations.migrate_database(settings)
    await config.apply(settings, files, by=by, reason=None)
    await topics.apply(settings)


def start_workers(environ: Mapping[str, str], *, log: Path, only: str = "all") -> Process:
    """Start ``ksef-courier run``; its JSON lines go to ``log``."""
    command = [sys.executable, "-m", "cli", "run", only]
    return processes.spawn(command, cwd=Path.cwd(), env=environ, log=log)


def stop(process: Process | None) -> None:
    """End a process of ours, in order if it can."""
    processes.stop(process, (signal.SIGTERM, 70.0), (signal.SIGKILL, 10.0))


def check_running(process: Process, *, log: Path, what: str) -> None:
    """Raise LocalSystemFailed when the process has ended."""
    if not processes.is_running(process):
        raise LocalSystemFailed(f"{what} ended:\n{processes.tail(log.read_bytes())}")
