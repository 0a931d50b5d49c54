"""The walk names exactly the topics that are declared and the tables that the migrations make."""

import re
from pathlib import Path

import pytest

from runtime.migrate import discover
from runtime.topics import table
from services import MIGRATED

WALK = Path(__file__).parents[2] / "docs" / "architecture" / "walk.md"
_QUOTED = re.compile(r"`([a-z][a-z0-9_.<>-]+)`")
_TOPIC = re.compile(r"\.v\d+$|\.dlq$")
_TABLE = re.compile(r"^\s*create table ([a-z]+\.[a-z_]+)", re.MULTILINE)
_SCHEMA = re.compile(r"^\s*create schema ([a-z]+)", re.MULTILINE)


def sql() -> str:
    return "\n".join(migration.sql for migration in discover(MIGRATED))


def topics_in(text: str) -> set[str]:
    """Quoted topic names. `erp.results.v1` is an event's type, whose topic stands once per source."""
    types = {topic.type for topic in table()} - {topic.name for topic in table()}
    return {name for name in _QUOTED.findall(text) if _TOPIC.search(name)} - types


def tables_in(text: str, schemas: set[str]) -> set[str]:
    quoted = (name for name in _QUOTED.findall(text) if not _TOPIC.search(name))
    return {name for name in quoted if name.partition(".")[0] in schemas and name.count(".") == 1}


def test_the_walk_names_exactly_the_declared_topics() -> None:
    assert topics_in(WALK.read_text("utf-8")) == {topic.name for topic in table()}


def test_the_walk_names_exactly_the_tables_of_all_migrations() -> None:
    schemas = set(_SCHEMA.findall(sql()))

    assert tables_in(WALK.read_text("utf-8"), schemas) == set(_TABLE.findall(sql()))


def test_the_migrations_are_read_as_they_are_meant() -> None:
    assert {"intake.identity", "payload.object", "validator.outbox"} <= set(_TABLE.findall(sql()))
    assert set(_SCHEMA.findall(sql())) == {
        "config",
        "intake",
        "meta",
        "operations",
        "payload",
        "sender",
        "tracker",
        "validator",
    }


@pytest.mark.parametrize(
    ("added", "topics", "tables"),
    [
        ("and `sales.document.lost.v1`", {"sales.document.lost.v1"}, set()),
        ("and `intake.lost`", set(), {"intake.lost"}),
        ("and `created_at`, `source.document_id`, `ksef-courier`", set(), set()),
    ],
)
def test_a_name_too_many_on_the_page_is_found(added: str, topics: set[str], tables: set[str]) -> None:
    page = WALK.read_text("utf-8")
    schemas = set(_SCHEMA.findall(sql()))

    assert topics_in(page + added) - topics_in(page) == topics
    assert tables_in(page + added, schemas) - tables_in(page, schemas) == tables
