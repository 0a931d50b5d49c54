"""No bytes make the parser, the envelope or the schema check raise."""

import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from fa3.checks import all_schema_findings, schema_findings
from fa3.document import Document, parse
from fa3.facts import Envelope, envelope, facts
from fa3.rules import nip_findings
from fa3.xml_hash import content_hash_of_xml
from tests.support.fa3_samples import LINE, invoice, xml_of

FUZZED = settings(max_examples=100, deadline=None)

XML = xml_of(invoice(lines=[LINE, LINE], delivery_notes=["WZ/1"], buyer={"nip": "1111111111", "name": "Ż"}))
PIECES = [
    "<P_1>",
    "</P_1>",
    "<Fa>",
    "&#x80;",
    "&amp;",
    "<!--",
    "-->",
    "]]>",
    "<![CDATA[",
    "<?x?>",
    "\x85",
    "<x:y/>",
    "24",
    "",
    " ",
]
TAGS = ["Fa", "P_1", "FaWiersz", "Podmiot1", "NIP", "Adnotacje", "Naglowek", "P_12", "Nieznany"]


def is_said(raw: bytes) -> bool:
    """Whether everything that reads a document gives an answer."""
    seen, document = envelope(raw), parse(raw)
    if not isinstance(document, Document):
        return len(document) > 0
    list(nip_findings(document, severity="error"))
    known, complete = schema_findings(document), all_schema_findings(document)
    return bool(isinstance(seen, Envelope) and facts(document) and content_hash_of_xml(document)) and len(
        known
    ) <= len(complete)


@given(st.binary(max_size=200))
@FUZZED
def test_any_bytes_get_an_answer(raw: bytes) -> None:
    assert is_said(raw)


@given(st.binary(max_size=20))
@FUZZED
def test_any_bytes_before_the_end_of_the_kind_get_an_answer(raw: bytes) -> None:
    assert isinstance(envelope(raw + b"</RodzajFaktury>"), tuple)


@given(st.data())
@FUZZED
def test_a_damaged_document_gets_an_answer(data: st.DataObject) -> None:
    raw = bytearray(XML.encode())
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))

    assert is_said(bytes(raw))


@given(st.integers(0, len(XML) - 1), st.sampled_from(PIECES), st.integers(0, 30))
@FUZZED
def test_a_document_with_a_piece_in_the_wrong_place_gets_an_answer(
    place: int, piece: str, removed: int
) -> None:
    assert is_said((XML[:place] + piece + XML[place + removed :]).encode())


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_a_document_of_known_elements_in_any_order_gets_an_answer(data: st.DataObject) -> None:
    root = ET.fromstring(XML)  # noqa: S314  # written by us
    elements = list(root.iter())
    moved = data.draw(st.sampled_from(elements))
    into = data.draw(st.sampled_from(elements))
    into.append(ET.Element(moved.tag, {"a": "1"}))
    into.text = data.draw(st.sampled_from(["", "x", "1", "2026-01-01"]))
    moved.tag = "{http://crd.gov.pl/wzor/2025/06/25/13775/}" + data.draw(st.sampled_from(TAGS))

    raw = ET.tostring(root, encoding="UTF-8")

    assert is_said(raw)
