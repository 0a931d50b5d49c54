"""Metrics page, alert rules, runbook and dashboard say what the code says, in both directions."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from cli.monitoring import alert_page, dashboard, metric_page, rules
from cli.monitoring.alert_page import marks, with_alerts
from cli.monitoring.alerts import GROUPS
from cli.monitoring.catalogue import CATALOGUE, SERIES
from cli.monitoring.checks import CHECKS
from contracts.results import DocumentResult
from contracts.sales import KsefProgress
from tests.support.promql import labels_kept, labels_matched, problems, selectors, series_of

ROOT = Path(__file__).parents[2]
_TOKEN = re.compile(r"\bksef_[a-z0-9_]+")
_ROW = re.compile(r"^\| `(ksef_\w+)` \| (\w+) \|", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_EVENT = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")
_QUOTED = re.compile(r'"([a-z]+(?:_[a-z]+)+)"')
_TEMPLATE = re.compile(r"\$labels\.(\w+)")
# A field of messages and tables, and the official name of the program's package: no metrics.
# Packages, and fields of messages that begin like a metric.
OTHER_NAMES = {"ksef_courier", "ksef_client", *DocumentResult.model_fields, *KsefProgress.model_fields}


def rules_file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(rules.FILE.read_text("utf-8"))
    return loaded


def all_rules() -> list[dict[str, Any]]:
    return [rule for group in rules_file()["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard.FILE.read_text("utf-8"))["panels"]
    return found


def targets() -> Iterator[dict[str, Any]]:
    for panel in panels():
        yield from panel.get("targets", [])


def expressions() -> list[str]:
    return [*(rule["expr"] for rule in all_rules()), *(target["expr"] for target in targets())]


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (metric_page.PAGE, metric_page.page()),
        (rules.FILE, rules.text()),
        (dashboard.FILE, dashboard.text()),
        (alert_page.PAGE, with_alerts(alert_page.PAGE.read_text("utf-8"))),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_generated_files_are_what_the_code_says(path: Path, text: str) -> None:
    assert path.read_text("utf-8") == text


def test_a_runbook_that_was_changed_by_hand_is_found() -> None:
    page = alert_page.PAGE.read_text("utf-8").replace(
        "**What to do.** Start a sender", "**What to do.** Wait"
    )

    assert with_alerts(page) != page


def test_a_runbook_without_its_marks_is_refused() -> None:
    begin, _ = marks(GROUPS[0])

    with pytest.raises(ValueError, match="lacks"):
        with_alerts(alert_page.PAGE.read_text("utf-8").replace(begin, ""))


def test_every_expression_asks_for_series_labels_and_values_that_the_code_declares() -> None:
    assert {expression: found for expression in expressions() if (found := problems(expression))} == {}


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("ksef_leases_hold > 0", "no metric ksef_leases_hold"),
        ("rate(ksef_leases_lost[5m])", "no metric ksef_leases_lost"),
        ('ksef_leases_held{company="7010000117"}', "ksef_leases_held has no label company"),
        ('ksef_leases_held{service="mapper"}', "ksef_leases_held: service is never mapper"),
        ("sum by (stage) (ksef_leases_held)", "ksef_leases_held has no label stage"),
        ('ksef_incoherent{check=~"outbox-old|outbox-new"}', "ksef_incoherent: check is never outbox-new"),
        ("time() - max(ksef_sender_paused) by (kinds)", "ksef_sender_paused has no label kinds"),
    ],
)
def test_an_expression_beside_the_code_is_found(expression: str, problem: str) -> None:
    assert problems(expression) == [problem]


def test_an_expression_that_is_no_promql_is_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        problems("rate(ksef_leases_held)")


def test_every_metric_of_the_code_has_one_row_in_the_reference_and_no_other_has() -> None:
    rows = _ROW.findall(metric_page.PAGE.read_text("utf-8"))

    assert dict(rows) == {
        f"{metric.name}_total" if metric.kind == "counter" else metric.name: metric.kind
        for metric in CATALOGUE.values()
    }
    assert len(rows) == len(CATALOGUE)


def test_every_metric_that_a_page_names_exists() -> None:
    known = SERIES.keys() | {metric.name for metric in CATALOGUE.values() if metric.kind == "histogram"}
    unknown = [
        (page.name, name)
        for page in pages()
        for name in _TOKEN.findall(page.read_text("utf-8"))
        if name not in known | OTHER_NAMES
    ]

    assert unknown == []


def test_every_metric_of_the_code_is_on_the_dashboard_or_in_a_rule() -> None:
    asked = {name for expression in expressions() for name in series_of(expression)}

    assert [name for name, metric in CATALOGUE.items() if not asked & set(metric.series)] == []


def test_a_rule_has_what_prometheus_and_whoever_is_woken_need() -> None:
    assert set(rules_file()) == {"groups"}
    assert {tuple(group) for group in rules_file()["groups"]} == {("name", "rules")}
    assert {tuple(rule) for rule in all_rules()} == {("alert", "expr", "for", "labels", "annotations")}
    assert {tuple(rule["annotations"]) for rule in all_rules()} == {("summary", "runbook")}
    assert {tuple(rule["labels"].items()) for rule in all_rules()} == {
        (("severity", "warning"),),
        (("severity", "critical"),),
    }
    assert [rule["alert"] for rule in all_rules() if not re.fullmatch(r"Ksef[A-Za-z]+", rule["alert"])] == []


def test_a_rule_waits_for_a_time_that_prometheus_can_read() -> None:
    waits = {rule["for"] for rule in all_rules()}

    assert [promql_parser.parse_duration(wait).total_seconds() for wait in sorted(waits - {"0m"})] == [
        600,
        120,
        4 * 3600,
        300,
    ]


def test_names_of_alerts_and_groups_are_unique() -> None:
    names = Counter(rule["alert"] for rule in all_rules())
    groups = Counter(group["name"] for group in rules_file()["groups"])

    assert [name for name, times in (names + groups).items() if times > 1] == []


def test_every_coherence_check_has_a_rule_of_its_severity() -> None:
    watched = {
        (matchers["service"], matchers["check"], rule["labels"]["severity"])
        for rule in all_rules()
        for selector in selectors(rule["expr"])
        if (matchers := {matcher.name: matcher.value for matcher in selector.matchers.matchers}).keys()
        == {"service", "check"}
    }

    assert watched == {
        (service, check.name, check.severity) for service, checks in CHECKS.items() for check in checks
    }


def test_a_summary_names_only_labels_that_its_alert_has() -> None:
    unknown = [
        (rule["alert"], label)
        for rule in all_rules()
        for label in _TEMPLATE.findall(rule["annotations"]["summary"])
        if label not in labels_kept(rule["expr"]) | labels_matched(rule["expr"])
    ]

    assert unknown == []


def anchors(page: str) -> list[str]:
    """As Markdown renderers make them from headings."""
    headings = _HEADING.findall(page)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_the_runbook_of_every_rule_is_a_section_of_the_page_that_names_the_alert() -> None:
    page = alert_page.PAGE.read_text("utf-8")
    named = [rule["annotations"]["runbook"].partition("#") for rule in all_rules()]

    assert {ROOT / file for file, _, _ in named} == {alert_page.PAGE}
    assert [anchor for _, _, anchor in named if anchors(page).count(anchor) != 1] == []
    assert [rule["alert"] for rule in all_rules() if page.count(f"\n`{rule['alert']}` (") != 1] == []


def test_a_section_says_when_what_it_means_and_what_to_do() -> None:
    page = alert_page.PAGE.read_text("utf-8")

    assert (
        "### sender: undecided-too-long\n\n`KsefSenderUndecidedTooLong` (warning, for 2m, after 15 min)\n"
        in page
    )
    assert "### Dead letters\n\n`KsefDeadLetters` (critical)\n" in page
    assert page.count("\n### ") == page.count("\n**What to do.** ") == len(all_rules())


def log_lines_of_code() -> set[str]:
    """The event names of all log lines of runtime and services."""
    return {
        name
        for folder in ("runtime", "services")
        for path in (ROOT / folder).rglob("*.py")
        for name in _QUOTED.findall(path.read_text("utf-8"))
    }


def test_every_log_line_that_a_section_sends_its_reader_to_is_one_that_the_code_writes() -> None:
    named = {
        name
        for group in GROUPS
        for alert in group.alerts
        for name in _EVENT.findall(alert.look + alert.mend)
        if not name.startswith("ksef_")
    }

    assert {"batch_given_back", "lease_lost", "sends_limited"} <= named
    assert named - log_lines_of_code() == set()


def test_the_scrape_configuration_of_the_page_is_yaml_without_labels_that_hide_ours() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", alert_page.PAGE.read_text("utf-8"), re.DOTALL)

    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert {target.partition(":")[0] for target in job["static_configs"][0]["targets"]} == {
        "intake",
        "mapper",
        "validator",
        "sender",
        "tracker",
    }
    assert "labels" not in job["static_configs"][0]


def test_panels_have_queries_and_a_unit_and_do_not_overlap() -> None:
    places = [panel["gridPos"] for panel in panels()]
    taken = Counter(
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    )
    ids = Counter(panel["id"] for panel in panels())
    shown = [panel for panel in panels() if panel["type"] != "row"]

    assert max(x for x, _ in taken) == 23
    assert (max(taken.values()), max(ids.values())) == (1, 1)
    assert {panel["fieldConfig"]["defaults"]["unit"] for panel in shown} == {"short", "s", "ops"}
    assert [panel["title"] for panel in shown if not panel["targets"] or not panel["description"]] == []


def test_the_legend_of_a_query_names_labels_that_it_keeps() -> None:
    unknown = [
        (target["expr"], label)
        for target in targets()
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"])
        if label not in labels_kept(target["expr"]) | {"instance"}
    ]

    assert unknown == []


def test_every_query_asks_the_prometheus_that_the_dashboard_was_given() -> None:
    variables = json.loads(dashboard.FILE.read_text("utf-8"))["templating"]["list"]

    assert [(variable["name"], variable["type"]) for variable in variables] == [("datasource", "datasource")]
    assert {target["datasource"]["uid"] for target in targets()} == {"${datasource}"}
