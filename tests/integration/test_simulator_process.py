"""The simulator as a process: its ready line, its signals, its death and its return."""

import asyncio
import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.simulator_driver import fa3
from tests.support.simulator_http import HttpKsef

TODAY = datetime.now(UTC).date().isoformat()


@contextlib.contextmanager
def simulator(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A running process and its ready line; killed at the end if it still lives."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--open-world", "--limits", "off", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, json.loads(line)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(name):
    with simulator() as (process, _):
        process.send_signal(name)

        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""


def test_the_ready_file_holds_the_ready_line_for_its_owner_only(tmp_path: Path):
    path = tmp_path / "ready.json"

    with simulator("--ready-file", str(path)) as (process, ready):
        assert json.loads(path.read_text()) == ready
        assert ready["pid"] == process.pid
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--limits", "many"], "simulator: limits 'many': expected production, off"),
        (["--seed", "nowhere.yaml"], "simulator: seed nowhere.yaml"),
        (["--profile", "moon"], "invalid Profile value: 'moon'"),
        (["--delay", "coffee=1"], "simulator: unknown delay 'coffee': expected one of closing"),
        (["--delay", "verdict=soon"], "'verdict=soon': expected NAME=SECONDS or NAME=LEAST:MOST"),
    ],
)
def test_a_command_line_that_cannot_be_is_refused(arguments, said):
    done = subprocess.run(
        [sys.executable, "-m", "simulator", *arguments], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert said in done.stderr


async def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path: Path):
    data = tmp_path / "data"
    with simulator("--data", str(data)) as (process, ready):
        ksef = HttpKsef.at(ready)
        await ksef.log_in()
        access = ksef.http.headers["authorization"]
        session = await ksef.open()
        acknowledged = await _send_until_killed(ksef, session, process, kill_after=60)
        await ksef.aclose()

    with simulator("--data", str(data)) as (_, again):
        ksef = HttpKsef.at(again)
        ksef.http.headers["authorization"] = access
        kept = {invoice["referenceNumber"]: invoice for invoice in await ksef.invoices(session)}
        await ksef.send(session, fa3("after the return", issued=TODAY))
        log = [json.loads(line) for line in (data / "acceptance.jsonl").read_text().splitlines()]
        await ksef.aclose()

    assert len(acknowledged) >= 60
    assert acknowledged <= kept.keys()
    assert {invoice["status"]["code"] for invoice in kept.values()} == {200}
    received = [entry for entry in log if entry["event"] == "received"]
    assert [entry["seq"] for entry in received] == list(range(1, len(kept) + 2))
    numbers = {entry["invoice"]: entry["ksef_number"] for entry in log if entry["event"] == "accepted"}
    assert len(set(numbers.values())) == len(kept) + 1
    assert all(numbers[reference] == invoice["ksefNumber"] for reference, invoice in kept.items())


async def _send_until_killed(
    ksef: HttpKsef, session: str, process: subprocess.Popen[str], *, kill_after: int
) -> set[str]:
    """Send from four sides at once; kill the process in the middle of it. Gives what was acknowledged."""
    acknowledged: set[str] = set()

    async def send(side: int) -> None:
        for number in range(10_000):
            acknowledged.add(await ksef.send(session, fa3(f"{side}/{number}", issued=TODAY)))
            if len(acknowledged) == kill_after:
                os.kill(process.pid, signal.SIGKILL)

    sides = await asyncio.gather(*(send(side) for side in range(4)), return_exceptions=True)
    assert all(isinstance(outcome, httpx.TransportError) for outcome in sides)
    return acknowledged


async def test_delays_are_set_on_the_command_line():
    with simulator("--delay", "verdict=1:2.5", "--delay", "login=0") as (_, ready):
        ksef = HttpKsef.at(ready)
        delays = (await ksef.admin.get("/delays")).json()
        await ksef.aclose()

    assert (delays["verdict"], delays["login"]) == ([1.0, 2.5], [0.0, 0.0])


def test_two_simulators_do_not_share_a_data_directory(tmp_path: Path):
    with simulator("--data", str(tmp_path)):
        second = subprocess.run(
            [sys.executable, "-m", "simulator", "--data", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )

    assert second.returncode == 2
    assert "in use by another simulator" in second.stderr
