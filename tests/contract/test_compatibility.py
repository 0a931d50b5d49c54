"""What breaks a released contract and what does not: optional fields may come, nothing else may change."""

from typing import Any

import pytest

from cli.compatibility import breaks

RELEASED: dict[str, Any] = {
    "$defs": {
        "Party": {
            "type": "object",
            "properties": {"nip": {"type": "string", "pattern": "^[0-9]{10}$"}, "name": {"type": "string"}},
            "required": ["nip"],
        },
        "Kind": {"enum": ["VAT", "KOR"], "type": "string"},
        "Tree": {
            "type": "object",
            "properties": {"branches": {"items": {"$ref": "#/$defs/Tree"}, "type": "array"}},
        },
    },
    "type": "object",
    "properties": {
        "seller": {"$ref": "#/$defs/Party"},
        "kind": {"$ref": "#/$defs/Kind"},
        "context": {"const": "Nip", "default": "Nip", "type": "string"},
        "gross": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Party"}},
        "tree": {"$ref": "#/$defs/Tree"},
    },
    "required": ["seller", "kind"],
}


def changed(**changes: Any) -> dict[str, Any]:
    """The released form with some properties replaced; None removes one."""
    properties = {**RELEASED["properties"], **changes}
    return RELEASED | {"properties": {name: item for name, item in properties.items() if item is not None}}


def redefined(**definitions: Any) -> dict[str, Any]:
    return RELEASED | {"$defs": RELEASED["$defs"] | definitions}


PARTY: dict[str, Any] = RELEASED["$defs"]["Party"]


@pytest.mark.parametrize(
    "now",
    [
        RELEASED,
        changed(note={"type": "string"}),
        redefined(Party=PARTY | {"properties": {**PARTY["properties"], "gln": {"type": "string"}}}),
        redefined(Kind={"enum": ["VAT", "KOR", "ZAL"], "type": "string"}),
        changed(context={"enum": ["Nip", "NipVatUe"], "default": "Nip", "type": "string"}),
        changed(kind={"$ref": "#/$defs/Kind", "description": "another sentence", "title": "Kind"}),
    ],
    ids=["same", "new-field", "new-field-in-part", "new-member", "second-constant", "new-words"],
)
def test_a_contract_may_grow(now: dict[str, Any]) -> None:
    assert breaks(RELEASED, now) == []


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (changed(seller=None), "$.seller: was removed"),
        (changed(gross={"type": "number", "default": None}), "$.gross: type was None, is 'number'"),
        (RELEASED | {"required": ["seller", "kind", "gross"]}, "$.gross: is required now"),
        (RELEASED | {"required": ["seller"]}, "$.kind: is no longer certain to be there"),
        (redefined(Party=PARTY | {"required": ["nip", "name"]}), "$.seller.name: is required now"),
        (
            redefined(Party=PARTY | {"properties": {**PARTY["properties"], "nip": {"type": "string"}}}),
            "$.seller.nip: pattern was '^[0-9]{10}$', is None",
        ),
        (redefined(Kind={"enum": ["VAT"], "type": "string"}), "$.kind: no longer allowed: KOR"),
        (redefined(Kind={"type": "string"}), "$.kind: is no longer restricted to an enumeration"),
        (
            changed(lines={"type": "array", "items": {"type": "string"}}),
            "$.lines[]: type was 'object', is 'string'",
        ),
        (changed(lines={"type": "array"}), "$.lines: its items are described in only one of the two"),
        (
            changed(context={"const": "NipVatUe", "default": "Nip", "type": "string"}),
            "$.context: no longer allowed: Nip",
        ),
        (
            changed(context={"const": "Nip", "default": "X", "type": "string"}),
            "$.context: default was 'Nip', is 'X'",
        ),
        (
            changed(gross={"anyOf": [{"type": "string"}], "default": None}),
            "$.gross: has fewer forms than before",
        ),
        (
            changed(
                gross={"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "object"}], "default": None}
            ),
            "$.gross: has a form that older readers cannot read",
        ),
        (
            changed(gross={"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}),
            "$.gross|0: type was 'string', is 'integer'",
        ),
        (RELEASED | {"additionalProperties": False}, "$: additionalProperties was None, is False"),
        (
            redefined(
                Tree={
                    "type": "object",
                    "properties": {"branches": {"items": {"type": "string"}, "type": "array"}},
                }
            ),
            "$.tree.branches[]: type was 'object', is 'string'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_everything_else_is_a_break_and_named_by_its_place(now: dict[str, Any], found: str) -> None:
    assert any(problem.startswith(found) for problem in breaks(RELEASED, now)), breaks(RELEASED, now)


def test_a_field_that_is_restricted_to_an_enumeration_now_is_a_break() -> None:
    name = {"type": "string", "enum": ["a"]}
    now = redefined(Party=PARTY | {"properties": {**PARTY["properties"], "name": name}})

    assert breaks(RELEASED, now) == ["$.seller.name: is restricted to an enumeration now"]


def test_a_default_beside_a_reference_is_compared_at_each_of_its_uses() -> None:
    kind = {"$ref": "#/$defs/Kind"}
    now = changed(kind=kind, second={**kind, "default": "VAT"})
    later = changed(kind=kind, second={**kind, "default": "KOR"})

    assert breaks(now, later) == ["$.second: default was 'VAT', is 'KOR'"]
