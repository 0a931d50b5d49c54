"""Who may do what: derived from the table of topics, and nothing beyond it."""

import shlex
from collections.abc import Sequence
from dataclasses import replace

import pytest

from runtime import acl
from runtime.acl import Acl, Operation, Pattern, Permission, Resource
from runtime.topics import Topic, table

# (operation, kind, name) by hand, for one source called "shop"; a star ends a prefix.
RIGHTS = {
    "ksef-intake": {
        ("Read", "topic", "erp.shop.sales.v1"),
        ("Write", "topic", "sales.document.accepted.v1"),
        ("Write", "topic", "sales.document.status.v1"),
        ("Write", "topic", "ksef.intake.dlq"),
        ("Read", "group", "ksef.intake"),
    },
    "ksef-tracker": {
        ("Read", "topic", "sales.document.status.v1"),
        ("Write", "topic", "erp.shop.results.v1"),
        ("Write", "topic", "ksef.tracker.dlq"),
        ("Read", "group", "ksef.tracker"),
    },
    "erp-shop": {
        ("Write", "topic", "erp.shop.sales.v1"),
        ("Read", "topic", "erp.shop.results.v1"),
        ("Read", "group", "erp.shop.*"),
    },
}
STRAY = Acl("ksef-intake", Resource.TOPIC, "*", Pattern.LITERAL, Operation.ALL)
ROW = Topic.model_validate(
    {
        "name": "erp.<source>.vendors.v1",
        "meaning": "m",
        "visibility": "public",
        "key": "vendor",
        "type": None,
        "producers": ["erp"],
        "consumers": ["router"],
        "partitions": 1,
        "retention_days": 1,
        "cleanup": "compact",
        "timestamps": "create",
        "max_message_bytes": 1,
    }
)


def wanted(*sources: str, prefix: str = "") -> list[Acl]:
    return acl.wanted(sources=sources, prefix=prefix)


def rights_of(principal: str, acls: Sequence[Acl]) -> set[tuple[str, str, str]]:
    return {
        (operation, kind, name)
        for who, operations, kind, names in acl.grouped(acls)
        for operation in operations.split(", ")
        for name in names
        if who == principal
    }


@pytest.mark.parametrize("principal", RIGHTS)
def test_a_principal_gets_its_topics_and_its_group_and_nothing_else(principal: str) -> None:
    assert rights_of(principal, wanted("shop")) == RIGHTS[principal]


def test_the_operator_may_create_mend_read_and_write_all_topics_and_rewind_all_groups() -> None:
    rights = rights_of("ksef-operator", wanted("shop"))

    assert {(operation, name) for operation, kind, name in rights if kind == "topic"} == {
        (operation, name)
        for operation in ("Read", "Write", "Create", "DescribeConfigs", "AlterConfigs")
        for name in (
            "erp.*",
            "ksef.intake.dlq",
            "ksef.mapper.dlq",
            "ksef.sender.dlq",
            "ksef.tracker.dlq",
            "ksef.validator.dlq",
            "sales.context.advanced.v1",
            "sales.document.accepted.v1",
            "sales.document.admitted.v1",
            "sales.document.status.v1",
            "sales.invoice.mapped.v1",
            "sales.sending.switched.v1",
        )
    }
    assert {(operation, name) for operation, kind, name in rights if kind == "group"} == {
        ("Read", f"ksef.{worker}") for worker in ("intake", "mapper", "sender", "tracker", "validator")
    }


def test_nothing_is_granted_on_everything_nor_on_the_cluster() -> None:
    kinds = {entry.resource for entry in wanted("shop")}

    assert kinds == {Resource.TOPIC, Resource.GROUP}
    assert "*" not in {entry.name for entry in wanted("shop")}


def test_no_principal_but_the_operator_has_rights_by_prefix_on_topics() -> None:
    by_prefix = {
        entry.principal
        for entry in wanted("shop")
        if entry.resource is Resource.TOPIC and entry.pattern is Pattern.PREFIXED
    }

    assert by_prefix == {"ksef-operator"}


def test_the_prefix_of_the_installation_stands_before_every_name_and_principal() -> None:
    acls = wanted("shop", prefix="team1.")

    assert all(entry.name.startswith("team1.") for entry in acls)
    assert all(entry.principal.startswith("team1.") for entry in acls)
    assert len(acls) == len(wanted("shop"))


def test_a_source_whose_name_begins_like_another_ones_has_a_group_prefix_of_its_own() -> None:
    acls = wanted("shop", "shop-two")

    groups = {
        entry.name for entry in acls if entry.principal == "erp-shop" and entry.resource is Resource.GROUP
    }
    assert groups == {"erp.shop."}


def test_sources_come_last_so_that_nobody_publishes_before_all_may_work() -> None:
    of_sources = [entry.principal.startswith("erp-") for entry in wanted("shop", "north")]

    assert of_sources == sorted(of_sources)
    assert any(of_sources)


def test_a_new_row_of_the_table_brings_its_rights_with_it() -> None:
    before = set(wanted("shop"))

    after = set(acl.wanted(sources=["shop"], prefix="", rows=[*table(), ROW]))

    assert {(entry.principal, entry.operation.title, entry.name) for entry in after - before} == {
        ("erp-shop", "Write", "erp.shop.vendors.v1"),
        ("ksef-router", "Read", "erp.shop.vendors.v1"),
        ("ksef-router", "Read", "ksef.router"),
        ("ksef-operator", "Read", "ksef.router"),
    }
    assert before < after


def test_what_is_missing_and_what_is_beyond_is_found() -> None:
    wishes = wanted("shop")

    found = acl.difference(wishes, [*wishes[1:], STRAY], prefix="")

    assert found.missing == (wishes[0],)
    assert found.unwanted == (STRAY,)


@pytest.mark.parametrize(
    ("entry", "ours"),
    [
        (Acl("erp-closed", Resource.TOPIC, "erp.closed.sales.v1", Pattern.LITERAL, Operation.WRITE), True),
        (Acl("ksef-archiver", Resource.GROUP, "ksef.archiver", Pattern.LITERAL, Operation.READ), True),
        (Acl("erp-warehouse", Resource.TOPIC, "stock", Pattern.LITERAL, Operation.WRITE), False),
        (Acl("billing", Resource.TOPIC, "sales.invoice.mapped.v1", Pattern.LITERAL, Operation.READ), False),
        (Acl("team1.ksef-intake", Resource.TOPIC, "x", Pattern.LITERAL, Operation.READ), False),
        (replace(STRAY, principal="erp-shop", host="10.0.0.1"), True),
    ],
    ids=str,
)
def test_only_entries_of_our_principals_of_today_or_yesterday_are_unwanted(entry: Acl, ours: bool) -> None:
    found = acl.difference(wanted("shop"), [entry], prefix="")

    assert found.unwanted == ((entry,) if ours else ())


def test_a_denial_is_shown_and_is_not_among_what_would_be_removed() -> None:
    denial = replace(wanted("shop")[0], permission=Permission.DENY)

    found = acl.difference(wanted("shop"), [denial], prefix="")

    assert (found.denials, found.unwanted) == ((denial,), ())


def test_the_commands_say_the_same_as_the_list() -> None:
    acls = wanted("shop")

    understood = [entry for line in acl.commands(acls) for entry in understand(line)]

    assert sorted(understood) == sorted(acls)


def understand(line: str) -> list[Acl]:
    """What ``kafka-acls.sh`` would make of a line."""
    script, *words = shlex.split(line)
    assert script == "kafka-acls.sh"
    assert words[:4] == ["--bootstrap-server", "$BOOTSTRAP_SERVERS", "--command-config", "$ADMIN_PROPERTIES"]
    assert words[4] == "--add"
    options = list(zip(words[5::2], words[6::2], strict=True))
    given = dict(options)
    kind = "--topic" if "--topic" in given else "--group"
    return [
        Acl(
            principal=given["--allow-principal"].removeprefix("User:"),
            resource=Resource[kind.removeprefix("--").upper()],
            name=given[kind],
            pattern=Pattern[given["--resource-pattern-type"].upper()],
            operation={operation.title: operation for operation in Operation}[value],
        )
        for name, value in options
        if name == "--operation"
    ]
