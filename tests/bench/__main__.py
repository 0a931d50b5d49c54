"""``make bench``: what the pipeline costs, as ratios to what nobody can avoid, measured in one run.

Everything runs as processes on this machine: Kafka and PostgreSQL of the bench's own, the simulator with its
limits off, the workers. CPU is what /proc counts for each process; a round measures the floor before and
after, and the median of the rounds' ratios counts, so that other load on the machine meets both sides.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services import WORKERS
from stack import local
from tests.bench import independent
from tests.bench.experiment import COMPLETED, READY, Bench, Round
from tests.bench.report import page
from tests.support.own_stack import SETTINGS
from tests.support.stack import fresh_topic_prefix, make_template
from tests.support.system import System, running_system

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "performance.md"
FIGURES = ROOT / "docs" / "reports" / "bench.json"
TO_ADMISSION = ("intake", "mapper", "validator")


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--documents", type=int, default=2000, help="per round to admission")
    parser.add_argument("--online", type=int, default=300, help="per round to the receipt")
    parser.add_argument("--backlog", type=int, default=100_000, help="documents of the memory test")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its figures")
    return parser.parse_args(argv)


async def measure(system: System, servers: Path, wanted: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    bench = Bench(system, servers)
    system.start(*TO_ADMISSION)
    await system.until_ready()
    await bench.admission("WARM", before=0, documents=500)
    done, to_admission = 500, []
    for number in range(wanted.rounds):
        round_ = await bench.admission(f"A{number}", before=done, documents=wanted.documents)
        done += wanted.documents
        to_admission.append(round_)
        _say(f"to admission, round {number + 1} of {wanted.rounds}: {round_.ratio:.2f} x F1")
    memory = {"idle": bench.memory()}

    system.start(*(worker for worker in WORKERS if worker not in TO_ADMISSION))
    await system.until_ready()
    _say(f"sending the {done} documents of the first part")
    started = time.monotonic()
    await bench.until(COMPLETED, done, seconds=1800)
    backlog_per_second = done / (time.monotonic() - started)
    to_receipt = []
    for number in range(wanted.rounds):
        round_ = await bench.to_receipt(f"R{number}", before=done, documents=wanted.online)
        done += wanted.online
        to_receipt.append(round_)
        _say(f"online to the receipt, round {number + 1} of {wanted.rounds}: {round_.ratio:.2f} x F2")
    hops = await bench.latencies(30)
    theirs = await independent.one_by_one(system, count=100)
    _say(f"an independent client one by one: {theirs:.1f} documents/s")
    await system.command("pause", "--reason", "bench")
    waiting = 0
    for size in (1000, wanted.backlog):
        await bench.publish([f"B{size}/{number}" for number in range(size)])
        waiting += size
        await bench.until(READY, waiting, seconds=1800)
        memory[f"backlog {size}"] = bench.memory()
        _say(f"backlog of {size}: {sum(memory[f'backlog {size}'].values()):.0f} MiB in all")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "to_admission": [_figures(round_) for round_ in to_admission],
        "to_receipt": [_figures(round_) for round_ in to_receipt],
        "backlog_sent_per_second": backlog_per_second,
        "independent_client_per_second": theirs,
        "hops_seconds": {step: _quantiles(seconds) for step, seconds in hops.items()},
        "memory_mib": memory,
    }


def _figures(round_: Round) -> dict[str, Any]:
    return {
        "ratio": round_.ratio,
        "ours_us": round_.ours * 1e6,
        "everything_us": round_.everything * 1e6,
        "floor_us": round_.floor_seconds * 1e6,
        "per_second": round_.documents / round_.wall_seconds,
        "cpu_us": {part: seconds * 1e6 for part, seconds in round_.cpu_seconds.items()},
    }


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "p50": statistics.median(ordered),
        "p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(argv: Sequence[str]) -> int:
    wanted = arguments(argv)
    servers = Path(tempfile.mkdtemp(prefix="courier-bench-"))
    try:
        addresses = local.up(servers, durable=True, settings=SETTINGS)
        template = make_template(addresses.postgres_dsn, servers)
        dsn = addresses.postgres_dsn.rpartition("/")[0] + f"/{template}"
        with (
            tempfile.TemporaryDirectory(prefix="courier-bench-run-") as run,
            fresh_topic_prefix(addresses.kafka_bootstrap) as prefix,
            running_system(Path(run), addresses, dsn=dsn, topic_prefix=prefix, more=CALM) as system,
        ):
            figures = asyncio.run(measure(system, servers, wanted))
    finally:
        local.down(servers, settings=SETTINGS)
    text = page(figures)
    _say(text)
    if wanted.write:
        FIGURES.parent.mkdir(exist_ok=True)
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        PAGE.write_text(text, "utf-8")
    return 0


# What production has; tests shorten these to see take-overs within seconds.
CALM = {
    "KSEF_SENDER__LEASE_SECONDS": "30",
    "KSEF_API__TOTAL_SECONDS": "10",
    "KSEF_SENDER__SESSION_IDLE_SECONDS": "60",
    "KSEF_TRACING__EXPORTER": "none",
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
