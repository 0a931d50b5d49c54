"""The table of minutes per suite in CONTRIBUTING names every suite there is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def suites_in(text: str) -> set[str]:
    return {name for row in re.findall(r"^\| (`tests/.*?) \|", text, re.MULTILINE) for name in _quoted(row)}


def _quoted(text: str) -> list[str]:
    return re.findall(r"`tests/([a-z0-9]+)`", text)


def test_every_suite_stands_in_the_table_with_its_minutes() -> None:
    suites = {path.parent.relative_to(ROOT / "tests").parts[0] for path in ROOT.glob("tests/**/test_*.py")}

    assert suites_in((ROOT / "CONTRIBUTING.md").read_text("utf-8")) == suites


def test_a_suite_that_is_missing_is_found() -> None:
    assert suites_in("| `tests/unit`, `tests/e2e` | what | 0.3 |\n| all | | 4 |\n") == {"unit", "e2e"}
