"""The JSON schema generated from the model says what the reader does."""

from typing import Any

from contracts.invoice import Invoice

SCHEMA = Invoice.model_json_schema()


def definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA["$defs"][name]
    return found


def test_unknown_fields_are_forbidden_everywhere() -> None:
    open_parts = [
        name for name, part in SCHEMA["$defs"].items() if part.get("additionalProperties") is not False
    ]

    assert open_parts == []


def test_only_what_cannot_be_left_out_is_required() -> None:
    assert SCHEMA["required"] == ["model", "kind", "number", "issue_date", "seller", "buyer"]
    assert definition("Line")["required"] == ["name"]
    assert definition("Seller")["required"] == ["nip"]


def test_an_amount_is_a_text_of_digits_or_a_number() -> None:
    assert definition("Line")["properties"]["net"]["anyOf"] == [
        {"type": "string", "pattern": r"^-?(?:[1-9][0-9]{0,15}|0)(?:\.[0-9]{1,2})?$"},
        {"type": "number"},
        {"type": "null"},
    ]


def test_a_text_has_its_length_and_its_form() -> None:
    assert definition("Seller")["properties"]["nip"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 10,
        "pattern": "^[1-9][0-9]{9}$",
        "title": "Nip",
    }


def test_a_list_has_its_limit() -> None:
    assert SCHEMA["properties"]["lines"]["maxItems"] == 10_000


def test_a_rate_is_a_code_a_percentage_or_a_foreign_rate() -> None:
    code, foreign, null = definition("Line")["properties"]["rate"]["anyOf"]

    assert {"23", "0 WDT", "np II", 23} <= set(code["enum"])
    assert set(foreign["properties"]) == {"oss"}
    assert null == {"type": "null"}
