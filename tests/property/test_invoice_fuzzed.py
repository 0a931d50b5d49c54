"""No document makes the reader raise: it is an invoice, or there are findings."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.invoice import Invoice, read_invoice
from tests.support.invoice_samples import LINE, fields, raw

FUZZED = settings(max_examples=100, deadline=None)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["23", "2026-11-20", "1.00", "!", "\ud800", "0" * 50, "\x00"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)

PATHS: list[tuple[Any, ...]] = [
    *((name,) for name in Invoice.model_fields),
    *(("lines", 0, name) for name in (*LINE, "qty", "po", "notes", "rate", "state", "fx_rate", "date")),
    *(("buyer", name) for name in ("nip", "vat_eu", "address", "contacts", "no_id")),
    *(("payment", name) for name in ("method", "terms", "accounts", "parts", "status")),
    *(("attachment", name) for name in ("blocks",)),
]


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A valid invoice with any value at the path."""
    document = fields(lines=[dict(LINE)], buyer={"nip": "1111111111"}, payment={}, attachment={})
    part: Any = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return document


def is_said(document: bytes) -> bool:
    """Whether there is an invoice, or a finding that can be sent on as JSON."""
    read = read_invoice(document)
    if isinstance(read, Invoice):
        return True
    return len(read) > 0 and all(finding.model_dump_json() and finding.text for finding in read)


@given(st.sampled_from(PATHS), VALUES)
@FUZZED
def test_any_value_anywhere_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    assert is_said(json.dumps(changed(path, value)).encode())


@given(VALUES)
@FUZZED
def test_any_json_is_read_or_refused(value: Any) -> None:
    assert is_said(json.dumps(value).encode())


@given(st.binary(max_size=200))
@FUZZED
def test_any_bytes_are_refused(document: bytes) -> None:
    assert is_said(document)


@given(st.data())
@FUZZED
def test_a_damaged_document_is_read_or_refused(data: st.DataObject) -> None:
    document = bytearray(raw(fields()))
    position = data.draw(st.integers(0, len(document) - 1))
    document[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))

    assert is_said(bytes(document))
