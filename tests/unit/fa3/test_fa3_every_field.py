"""No field of the canonical invoice vanishes: it changes the document, is refused, or is control data."""

import pytest

from contracts.findings import Finding
from contracts.invoice import Invoice
from fa3.writer import Written, write
from fa3.writer.support import CONTROL_FIELDS, UNWRITTEN_PARTS
from tests.support.fa3_fields import leaves, two_invoices
from tests.support.fa3_samples import CREATED_AT, SELLER

LEAVES = dict(leaves())

DECIDED_BY_NEIGHBOURS = {
    "model",  # one value only
    "kind",  # every value but two is refused; see test_fa3_refusals
    "seller.nip",  # the key of the master data
}


def outcomes(path: str) -> list[Written | tuple[Finding, ...]]:
    """What the writer makes of two invoices that differ in the field."""
    return [
        write(Invoice.model_validate(document), seller=SELLER, created_at=CREATED_AT)
        for document in two_invoices(path, LEAVES[path])
    ]


def fate(path: str) -> str:
    """What becomes of the field: ``written``, ``refused`` by its name or its part's, or ``lost``."""
    made = outcomes(path)
    documents = [one.xml for one in made if isinstance(one, Written)]
    if len(documents) == 2:
        return "written" if documents[0] != documents[1] else "lost"
    refusals = [finding for one in made if not isinstance(one, Written) for finding in one]
    written = f"{path.replace('[]', '[0]')}."
    named = any(one.code == "C31" and written.startswith(one.field or "?") for one in refusals)
    return "refused" if named else "lost"


@pytest.mark.parametrize("path", sorted(set(LEAVES) - CONTROL_FIELDS - DECIDED_BY_NEIGHBOURS))
def test_a_field_changes_the_document_or_is_refused_by_name(path: str) -> None:
    assert fate(path) in {"written", "refused"}


@pytest.mark.parametrize("path", sorted(CONTROL_FIELDS - {"model"}))
def test_control_data_leave_the_document_alone(path: str) -> None:
    assert fate(path) == "lost"


def test_the_walk_sees_the_whole_model() -> None:
    assert {"lines[].net", "lines[].po.item", "attachment.blocks[].tables[].rows[][]", "supply.from"} <= set(
        LEAVES
    )
    assert set(LEAVES) >= CONTROL_FIELDS
    assert len(LEAVES) > 200


def test_the_list_of_what_is_not_written_is_complete() -> None:
    asked = set(LEAVES) - DECIDED_BY_NEIGHBOURS
    refused = {path for path in asked if fate(path) == "refused"}

    assert refused - {"totals.rates[].rate"} == {path for path in LEAVES if path.startswith(UNWRITTEN_PARTS)}
