"""The ids of documents and events: pinned for ever. A change here makes every redelivery a new document."""

from uuid import UUID

import pytest

from contracts.ids import DEFAULT_REVISION, document_id, event_id

CAUSE = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("source", "erp_id", "revision", "expected"),
    [
        ("sap-north", "FV/2026/11/001", "1", "f1183126-2e79-567d-aa68-755164e8a16d"),
        ("sap-north", "FV/2026/11/001", "2", "c201bc2b-ba29-5c7c-83bc-cbda7a9f0714"),
        ("shop", "FV/2026/11/001", "1", "75f1348e-d665-536f-8d3b-7e1eb4c7307c"),
        ("sap-north", "Zażółć 7", "1", "5c2cd2c8-c06e-5fb3-a2a4-7be213d5dba8"),
        ("a", "b|c", "1", "e6112d71-a851-5d1a-9ce0-849f256a55ad"),
    ],
)
def test_a_document_has_the_same_id_for_ever(source: str, erp_id: str, revision: str, expected: str) -> None:
    assert document_id(source, erp_id, revision) == UUID(expected)


@pytest.mark.parametrize(
    ("stage", "index", "expected"),
    [
        ("mapper", 0, "3e9d5091-ec8e-5d2a-9c72-edc3995a35e0"),
        ("mapper", 1, "f8811a2f-2148-502f-83c7-e32450c32fed"),
        ("validator", 0, "2559e1ea-0d92-5809-9f5f-3c8f731de848"),
    ],
)
def test_an_event_has_the_same_id_for_ever(stage: str, index: int, expected: str) -> None:
    assert event_id(stage, CAUSE, index) == UUID(expected)


def test_the_first_revision_is_meant_when_none_is_named() -> None:
    assert DEFAULT_REVISION == "1"
    assert document_id("shop", "A-1001") == document_id("shop", "A-1001", "1")


def test_parts_that_join_to_the_same_text_stay_apart() -> None:
    assert document_id("a", "b", "1") != document_id("ab", "", "1")
    assert document_id("a", "b1", "") != document_id("a", "b", "1")
