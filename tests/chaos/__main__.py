"""``make chaos``: one experiment, its verdicts on the screen, its report as files.

Exit codes: 0 every invariant held, 1 one was broken or documents did not end, 2 usage, 130 interrupted.
"""

import argparse
import asyncio
import json
import logging
import secrets
import shutil
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.chaos import report
from tests.chaos.checker import Verdict, judge, shown
from tests.chaos.experiment import End, Options, Seen, run
from tests.chaos.plan import NOTHING, dose_for

_RUNS = Path(".run/chaos")


def main() -> int:
    given = _parser().parse_args()
    # Both tell at length what the experiment does to them.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    began_at = datetime.now(UTC)
    options = _options(given, began_at)
    _say(f"seed {options.seed}; the same seed gives the same documents and the same plan of faults")
    seen = asyncio.run(_run(options))
    verdicts = judge(seen.history, complete=seen.end is not End.INTERRUPTED)
    figures = report.figures(options, seen, verdicts, began_at=began_at)
    _write_report(figures, given.report, began_at)
    _tell(verdicts, seen)
    held = seen.end is not End.LATE and all(verdict.holds for verdict in verdicts)
    if held and not given.keep:
        shutil.rmtree(options.directory)
    else:
        (options.directory / "history.json").write_bytes(msgspec.json.encode(seen.history))
        _say(f"logs, KSeF's acceptance log and the history: {options.directory}")
    if not held:
        return 1
    return 130 if seen.end is End.INTERRUPTED else 0


async def _run(options: Options) -> Seen:
    """Ctrl-C and SIGTERM end the faults; then everything is stopped and what was seen is judged."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await run(options, say=_say, stop=stop)


def _options(given: argparse.Namespace, began_at: datetime) -> Options:
    seconds = given.minutes * 60
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    return Options(
        seed=seed,
        seconds=seconds,
        documents=given.documents,
        dose=NOTHING if given.calm else dose_for(given.minutes),
        heal_seconds=max(180.0, seconds / 2),
        directory=_RUNS / f"{began_at:%Y%m%d-%H%M%S}-seed{seed}",
    )


def _write_report(figures: dict[str, object], directory: Path | None, began_at: datetime) -> None:
    if directory is None:
        return
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"chaos-{began_at:%Y-%m-%d}"
    path.with_suffix(".json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
    path.with_suffix(".md").write_text(report.as_markdown(figures), "utf-8")
    _say(f"report: {path}.md and .json")


def _tell(verdicts: Sequence[Verdict], seen: Seen) -> None:
    for verdict in verdicts:
        _say(f"{'held  ' if verdict.holds else 'BROKEN'}  {verdict.name}")
        for line in shown(verdict):
            _say(f"          {line}")
    faults = seen.faults.total()
    _say(f"{seen.end}: {len(seen.first_published_at)} documents, {faults} faults, {seen.flow_seconds:.0f} s")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make chaos",
        description="Tries to lose or double an invoice: kills, pauses, outages, lost answers; then judges.",
    )
    parser.add_argument("--minutes", type=float, default=15, help="how long things go wrong (default: 15)")
    parser.add_argument("--seed", type=int, help="repeats an experiment's documents and faults")
    parser.add_argument("--documents", type=int, default=20_000, help="(default: %(default)s)")
    parser.add_argument("--calm", action="store_true", help="no faults: what the machine can do")
    parser.add_argument("--keep", action="store_true", help="keep the logs also when all held")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write chaos-<date>.md and .json there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
