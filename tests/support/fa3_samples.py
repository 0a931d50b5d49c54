"""Small canonical invoices and documents for the tests of fa3: plain helpers, no fixtures."""

from datetime import UTC, datetime
from typing import Any

from contracts.findings import Finding
from contracts.invoice import Invoice
from contracts.invoice.party import Address
from fa3.document import Document, parse
from fa3.writer import SellerDetails, Written, write
from tests.support.languages import in_both

CREATED_AT = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)

SELLER = SellerDetails(
    nip="5265877635",
    name="Huta Testowa S.A.",
    address=Address(country="PL", line1="ul. Piecowa 7", line2="41-500 Chorzów"),
)

LINE: dict[str, Any] = {"name": "Pręt stalowy", "net": "100.00", "rate": "23"}

ORIGINAL: dict[str, Any] = {
    "number": "FV/10/2026/3",
    "issue_date": "2026-10-05",
    "ksef_number": "5265877635-20261005-0100001AF629-AF",
}


def fields(**changes: Any) -> dict[str, Any]:
    """The fields of a small valid invoice, with changes; a change to ``None`` removes the field."""
    changed = {
        "model": "invoice/1",
        "kind": "VAT",
        "number": "FV/11/2026/7",
        "issue_date": "2026-11-20",
        "seller": {"nip": "5265877635"},
        "buyer": {"nip": "1111111111", "name": "Odbiorca", "address": {"country": "PL", "line1": "Rynek 3"}},
        "lines": [LINE],
    } | changes
    return {name: value for name, value in changed.items() if value is not None}


def correction_fields(**changes: Any) -> dict[str, Any]:
    """The fields of a small valid correction, with changes."""
    return fields(**{"kind": "KOR", "correction": {"originals": [ORIGINAL]}, **changes})


def invoice(**changes: Any) -> Invoice:
    return Invoice.model_validate(fields(**changes))


def correction(**changes: Any) -> Invoice:
    return Invoice.model_validate(correction_fields(**changes))


def xml_of(made: Invoice) -> str:
    """The document written for an invoice that can be written."""
    written = write(made, seller=SELLER, created_at=CREATED_AT)
    assert isinstance(written, Written), written
    return written.xml.decode()


def refusals_of(made: Invoice) -> tuple[Finding, ...]:
    """The findings for an invoice that cannot be written."""
    refused = write(made, seller=SELLER, created_at=CREATED_AT)
    assert not isinstance(refused, Written), refused
    return in_both(refused)


def document_of(made: Invoice) -> Document:
    return parsed(xml_of(made).encode())


def parsed(raw: bytes) -> Document:
    document = parse(raw)
    assert isinstance(document, Document), document
    return document


def codes_of(findings: tuple[Finding, ...]) -> list[tuple[str, str | None]]:
    """Code and field of each finding."""
    return [(finding.code, finding.field) for finding in in_both(findings)]
