"""Whatever canonical invoice can be read and written is valid, the same every time, and adds up."""

import json
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from ksef_client.documents.fa3.validation import validate_xml_facets

from contracts.invoice import Invoice, content_hash, read_invoice
from fa3.checks import schema_findings
from fa3.facts import envelope, facts
from fa3.lengths import length_findings
from fa3.writer import Written, write
from tests.support.fa3_samples import CREATED_AT, SELLER, parsed
from tests.support.fa3_strategies import INVOICES

NUMBERS = re.compile(r'"number:([^"]*)"')
GENERATED = settings(max_examples=75, deadline=None)


def invoice_of(fields: dict[str, Any]) -> Invoice:
    """The invoice by way of JSON, in which a ``Decimal`` is a number with the same digits."""
    marked = json.dumps(fields, default=lambda value: f"number:{value:f}", ensure_ascii=False)
    read = read_invoice(NUMBERS.sub(r"\1", marked).encode())
    assert isinstance(read, Invoice), read
    return read


def written(invoice: Invoice) -> bytes:
    made = write(invoice, seller=SELLER, created_at=CREATED_AT)
    assert isinstance(made, Written), made
    return made.xml


@given(INVOICES)
@GENERATED
def test_a_generated_invoice_is_valid_in_both_opinions(fields: dict[str, Any]) -> None:
    xml = written(invoice_of(fields))

    document = parsed(xml)
    assert schema_findings(document) == ()
    assert list(length_findings(document)) == []
    assert validate_xml_facets(ET.fromstring(xml)) == []  # noqa: S314  # written by us


@given(INVOICES)
@GENERATED
def test_a_generated_invoice_gives_the_same_bytes_every_time(fields: dict[str, Any]) -> None:
    first, second = invoice_of(fields), invoice_of(fields)

    assert written(first) == written(second)
    assert content_hash(first) == content_hash(second)


@given(INVOICES)
@GENERATED
def test_the_totals_of_a_generated_invoice_add_up(fields: dict[str, Any]) -> None:
    root = ET.fromstring(written(invoice_of(fields)))  # noqa: S314  # written by us
    fa = {child.tag.partition("}")[2]: child for child in root.find("{*}Fa") or ()}
    totals = {
        name: Decimal(one.text or "") for name, one in fa.items() if name.startswith(("P_13_", "P_14_"))
    }

    assert Decimal(fa["P_15"].text or "") == sum(
        amount for name, amount in totals.items() if not name.endswith("W")
    )


@given(INVOICES)
@GENERATED
def test_the_facts_of_a_generated_invoice_are_those_of_the_invoice(fields: dict[str, Any]) -> None:
    invoice = invoice_of(fields)
    xml = written(invoice)

    found, short = facts(parsed(xml)), envelope(xml)

    assert (found.kind, found.number, found.issue_date) == (invoice.kind, invoice.number, invoice.issue_date)
    assert (found.seller_nip, found.buyer_nip) == (invoice.seller.nip, invoice.buyer.nip)
    assert found.currency == invoice.currency
    assert not isinstance(short, tuple)
    assert (short.seller_nip, short.kind, short.number) == (invoice.seller.nip, invoice.kind, invoice.number)
