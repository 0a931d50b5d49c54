"""A small experiment on real processes: every invariant holds, every kind of fault was there."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.chaos import report
from tests.chaos.checker import judge, shown
from tests.chaos.experiment import End, Options, run
from tests.chaos.plan import Dose

pytestmark = pytest.mark.xdist_group("chaos")

DOSE = Dose(
    kills=2,
    pauses=1,
    terminations=0,
    double_terminations=1,
    kafka_stops=1,
    postgres_stops=1,
    long_absences=False,
    cuts=6,
    ksef_absences=1,
    ksef_faults=3,
    list_lags=1,
)


async def test_nothing_is_lost_or_doubled_while_everything_breaks_once(tmp_path: Path) -> None:
    options = Options(
        seed=55, seconds=15, documents=100, dose=DOSE, heal_seconds=120, directory=tmp_path / "run"
    )

    seen = await run(options, say=print, stop=asyncio.Event())

    verdicts = judge(seen.history, complete=True)
    assert [(verdict.name, *shown(verdict)) for verdict in verdicts if not verdict.holds] == []
    assert seen.end is End.COMPLETE
    assert seen.faults.total() == 17
    figures = report.figures(options, seen, verdicts, began_at=datetime(2026, 11, 2, tzinfo=UTC))
    text = report.as_markdown(figures) + json.dumps(figures)
    assert "**Every invariant held** (all documents ended)" in text
    assert [name for name in (socket.gethostname(), str(tmp_path), str(Path.home())) if name in text] == []
