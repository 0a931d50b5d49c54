"""The table of topics: named by the rule, written and read by workers that exist."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.events import DEAD_LETTER_TEMPLATE, MODELS, RESULTS_TEMPLATE, SALES_INPUT_TEMPLATE
from runtime.errors import ConfigurationError
from runtime.topics import Topic, declared, source_of, source_pattern, table
from services import WORKERS

# Internal: <flow>.<noun>.<past participle>.v<major>, `status` being the named exception that stands for one.
INTERNAL = re.compile(r"(sales|purchase)(\.[a-z]+(-[a-z]+)*)\.([a-z]+ed|status)\.v[1-9][0-9]*")
PUBLIC = re.compile(r"erp\.<source>\.[a-z]+(-[a-z]+)*\.v[1-9][0-9]*")
DEAD_LETTERS = re.compile(r"ksef\.<service>\.dlq")
OUTSIDE = {"erp", "operator", "<service>"}

NAMES = [topic.name for topic in table()]


def follows_the_rule(name: str) -> bool:
    return any(rule.fullmatch(name) for rule in (INTERNAL, PUBLIC, DEAD_LETTERS))


@pytest.mark.parametrize("name", NAMES)
def test_every_topic_is_named_by_the_rule(name: str) -> None:
    assert follows_the_rule(name)


@pytest.mark.parametrize(
    "name",
    [
        "sales.document.accept.v1",
        "sales.document_accepted.v1",
        "sales.document.accepted",
        "sales.document.accepted.v0",
        "Sales.document.accepted.v1",
        "erp.north.sales.v1",
        "ksef.mapper.dlq",
    ],
)
def test_a_name_that_breaks_the_rule_is_found(name: str) -> None:
    assert not follows_the_rule(name)


@pytest.mark.parametrize("topic", table(), ids=NAMES)
def test_who_writes_and_reads_a_topic_exists(topic: Topic) -> None:
    assert strangers(topic) == set()


def test_a_writer_that_does_not_exist_is_found() -> None:
    topic = table()[0].model_copy(update={"producers": ("archiver",)})

    assert strangers(topic) == {"archiver"}


def strangers(topic: Topic) -> set[str]:
    return {*topic.producers, *topic.consumers} - OUTSIDE - set(WORKERS)


def test_every_worker_reads_something() -> None:
    assert set(WORKERS) == {name for topic in table() for name in topic.consumers} - OUTSIDE


def test_every_worker_has_a_topic_for_dead_letters() -> None:
    assert declared("ksef.intake.dlq").instances == WORKERS


@pytest.mark.parametrize("topic", [topic for topic in table() if "<service>" in topic.name], ids=str)
def test_a_topic_per_service_names_its_services(topic: Topic) -> None:
    assert topic.instances


@pytest.mark.parametrize("template", [SALES_INPUT_TEMPLATE, RESULTS_TEMPLATE, DEAD_LETTER_TEMPLATE])
def test_the_templates_in_the_code_are_rows_of_the_table(template: str) -> None:
    assert template in NAMES


@pytest.mark.parametrize("type_", [type_ for type_ in MODELS if not type_.startswith("erp.")])
def test_an_internal_event_is_published_on_the_topic_of_its_name(type_: str) -> None:
    assert declared(type_).type == type_


@pytest.mark.parametrize(
    "name",
    [
        "sales.document.lost.v1",
        "ksef.archiver.dlq",
        "erp.Bad_Source.sales.v1",
        "erp..sales.v1",
        "erp.a.b.sales.v1",
        "",
    ],
)
def test_a_name_that_stands_for_no_row_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not declared in contracts/topics"):
        declared(name)


def test_a_name_of_a_source_is_found_and_its_source_read_from_it() -> None:
    assert declared("erp.sap-north.sales.v1").name == SALES_INPUT_TEMPLATE
    assert source_of("erp.sap-north.sales.v1", SALES_INPUT_TEMPLATE) == "sap-north"


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("t1.erp.north.sales.v1", True),
        ("t1.erp.sap-north.sales.v1", True),
        ("erp.north.sales.v1", False),
        ("t2.erp.north.sales.v1", False),
        ("t1.erp.north.sales.v10", False),
        ("t1.erp.north.results.v1", False),
        ("t1xerp.north.sales.v1", False),
    ],
)
def test_the_pattern_of_a_template_matches_its_topics_of_this_installation_only(
    name: str, matches: bool
) -> None:
    assert bool(re.match(source_pattern(SALES_INPUT_TEMPLATE, prefix="t1."), name)) is matches


def test_per_source_and_per_service_rows_stand_for_one_topic_each() -> None:
    by_name = {topic.name: topic for topic in table()}

    assert by_name[SALES_INPUT_TEMPLATE].names(["north", "south"]) == [
        "erp.north.sales.v1",
        "erp.south.sales.v1",
    ]
    assert by_name["sales.document.status.v1"].names(["north", "south"]) == ["sales.document.status.v1"]
    assert by_name[DEAD_LETTER_TEMPLATE].names(["north"])[0] == "ksef.intake.dlq"


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, "1"), (2, "1"), (3, "2"), (5, "4")])
def test_all_replicas_but_one_must_have_a_record(replicas: int, in_sync: str) -> None:
    assert table()[0].settings(replication_factor=replicas)["min.insync.replicas"] == in_sync


GOOD_ROW: dict[str, Any] = {
    "name": "sales.document.accepted.v1",
    "meaning": "m",
    "visibility": "internal",
    "key": "document id",
    "type": "sales.document.accepted.v1",
    "producers": ["intake"],
    "consumers": ["mapper"],
    "partitions": 24,
    "retention_days": 14,
    "cleanup": "delete",
    "timestamps": "create",
    "max_message_bytes": 2097152,
}


@pytest.mark.parametrize(
    "change",
    [
        {"partitions": 0},
        {"producers": []},
        {"consumers": []},
        {"cleanup": "keep"},
        {"retention": 7},
        {"key": None},
    ],
    ids=str,
)
def test_a_row_that_does_not_say_what_is_needed_is_refused(change: dict[str, Any]) -> None:
    Topic.model_validate(GOOD_ROW)
    with pytest.raises(ValidationError):
        Topic.model_validate(GOOD_ROW | change)
