"""Meanings are read from the text below a field, and go into the JSON Schema."""

from cli.contract_files import schemas
from cli.meanings import described, meanings, members
from contracts.invoice.document import Supply
from contracts.invoice.lines import Item, Line
from contracts.sales import Outcome, State


def test_a_field_means_what_stands_below_it() -> None:
    assert (
        meanings(Line)["delivery_note"] == "Number of the warehouse document; becomes a remark of the line."
    )


def test_inherited_fields_keep_their_meaning() -> None:
    assert (
        meanings(Line)["gtu"]
        == meanings(Item)["gtu"]
        == "Code of the group of goods and services: 1 for GTU_01."
    )


def test_a_field_goes_by_its_name_in_json() -> None:
    assert meanings(Supply)["from"] == "First day of the period of supply."


def test_every_state_and_outcome_means_something() -> None:
    assert set(members(State)) == {state.value for state in State}
    assert members(Outcome)["rejected"] == "KSeF refused it. Its number is free again."


def test_the_schema_describes_fields_of_the_document_and_of_its_parts() -> None:
    schema = schemas()["invoice-1"]

    assert schema["properties"]["number"]["description"] == (
        "The invoice's number; per seller and kind KSeF takes it once."
    )
    assert schema["$defs"]["Line"]["properties"]["sku"]["description"] == "The seller's own article number."


def test_a_schema_of_nobodys_model_stays_as_it_is() -> None:
    schema = {"title": "Stranger", "properties": {"number": {"type": "string"}}}

    assert described(schema) == schema
