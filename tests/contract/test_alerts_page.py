"""The alert page says what the checks say, and every metric on it is one that a worker has."""

import re

import pytest

from cli.alerts import BEGIN, CHECKS, PAGE, with_checks
from runtime import metrics

_METRIC = re.compile(r"\bksef_[a-z_]+")
_IN_CODE = {metric._name for metric in vars(metrics).values() if hasattr(metric, "_name")}


def test_the_page_says_what_the_checks_say() -> None:
    page = PAGE.read_text("utf-8")

    assert with_checks(page) == page


def test_a_page_that_was_changed_by_hand_is_found() -> None:
    page = PAGE.read_text("utf-8").replace("**What to do.** Start a sender", "**What to do.** Nothing")

    assert with_checks(page) != page


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        with_checks(PAGE.read_text("utf-8").replace(BEGIN, ""))


def test_the_page_has_an_entry_for_each_check_with_its_grace_time() -> None:
    page = PAGE.read_text("utf-8")

    assert "### sender: undecided-too-long\n" in page
    assert (
        '`ksef_incoherent{service="sender",check="undecided-too-long"} > 0` (warning, after 15 min)' in page
    )
    assert page.count("\n### ") == 1 + sum(len(checks) for checks in CHECKS.values())


def test_the_metrics_of_expressions_exist() -> None:
    expressions = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("`")]

    named = {name for line in expressions for name in _METRIC.findall(line)}
    assert named == {"ksef_incoherent", "ksef_coherence_checked_timestamp_seconds"}
    assert named <= _IN_CODE


def test_names_of_checks_are_unique_within_a_service() -> None:
    names = [(service, check.name) for service, checks in CHECKS.items() for check in checks]

    assert len(set(names)) == len(names)
