"""Canonical invoices and the FA(3) written from them, side by side in ``golden/``.

Every amount in the XML was checked by hand when it was added. ``--refresh-golden`` writes the files anew:
read the diff as you would read code.
"""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ksef_client.documents.fa3.validation import validate_xml_facets
from ksef_client.documents.fa3.xml import validate_fa3_xml_xsd
from lxml import etree

from contracts.invoice import Invoice, read_invoice
from fa3.checks import schema_findings
from fa3.lengths import length_findings
from fa3.writer import Written, write
from tests.support.fa3_samples import SELLER, parsed

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.json"))
FALLBACK = datetime(2026, 1, 1, tzinfo=UTC)


def written_for(case: str) -> bytes:
    invoice = read_invoice((GOLDEN / f"{case}.json").read_bytes())
    assert isinstance(invoice, Invoice), invoice
    written = write(invoice, seller=SELLER, created_at=FALLBACK)
    assert isinstance(written, Written), written
    return written.xml


def readable(xml: bytes) -> bytes:
    """The document with an element on each line, as the golden files have it."""
    tree = etree.fromstring(xml)
    etree.indent(tree)
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=True) + b"\n"


def compact(xml: bytes) -> bytes:
    """A golden file as the writer puts it: no blanks between tags."""
    declaration, _, document = xml.partition(b"?>")
    body = re.sub(rb">\s+<", b"><", document.strip())
    return declaration.replace(b"'", b'"') + b"?>\n" + body


@pytest.mark.parametrize("case", CASES)
def test_the_writer_makes_the_golden_document(case: str, refresh_golden: bool) -> None:
    golden = GOLDEN / f"{case}.xml"
    written = written_for(case)
    if refresh_golden:
        golden.write_bytes(readable(written))

    assert compact(golden.read_bytes()) == written


@pytest.mark.parametrize("case", CASES)
def test_a_golden_document_is_valid_against_the_official_schema(case: str) -> None:
    document = parsed(written_for(case))

    assert schema_findings(document) == ()
    assert list(length_findings(document)) == []


@pytest.mark.parametrize("case", CASES)
def test_another_implementation_finds_nothing_in_a_golden_document(case: str) -> None:
    xml = written_for(case)

    validate_fa3_xml_xsd(xml)
    assert validate_xml_facets(ET.fromstring(xml)) == []  # noqa: S314  # written by us two lines above


def test_the_second_opinion_sees_what_is_wrong() -> None:
    wrong = written_for("vat_domestic").replace(b"<P_12>23</P_12>", b"<P_12>24</P_12>")

    assert [issue.path for issue in validate_xml_facets(ET.fromstring(wrong))] == ["Faktura/Fa/FaWiersz/P_12"]  # noqa: S314
