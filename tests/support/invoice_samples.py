"""Small JSON documents for the tests of the canonical invoice: plain helpers, no fixtures."""

import json
from typing import Any

from contracts.findings import Finding
from contracts.invoice import Invoice, read_invoice
from tests.support.languages import in_both

LINE: dict[str, Any] = {"name": "Pręt stalowy", "net": "100.00", "rate": "23"}


def fields(**changes: Any) -> dict[str, Any]:
    """The fields of a small valid invoice, with changes."""
    return {
        "model": "invoice/1",
        "kind": "VAT",
        "number": "FV/1",
        "issue_date": "2026-11-20",
        "seller": {"nip": "5265877635"},
        "buyer": {"nip": "1111111111"},
        "lines": [LINE],
    } | changes


def line(**changes: Any) -> dict[str, Any]:
    """The fields of an invoice whose one line is changed."""
    return fields(lines=[LINE | changes])


def raw(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def invoice(document: object) -> Invoice:
    """The invoice in a document that can be read; bytes are taken as they are."""
    read = read_invoice(document if isinstance(document, bytes) else raw(document))
    assert isinstance(read, Invoice), read
    return read


def findings(document: object) -> tuple[Finding, ...]:
    """The findings for a document that cannot be read."""
    read = read_invoice(document if isinstance(document, bytes) else raw(document))
    assert not isinstance(read, Invoice), "the document was read"
    return in_both(read)


def codes(document: object) -> list[tuple[str, str | None]]:
    """Code and field of each finding."""
    return [(finding.code, finding.field) for finding in findings(document)]
