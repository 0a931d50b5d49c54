"""Two ready-made documents have the same hash if they differ in nothing but their header."""

import hashlib

import pytest

from fa3.xml_hash import content_hash_of_xml
from tests.support.fa3_samples import invoice, parsed, xml_of

XML = xml_of(invoice())


def hash_of(xml: str) -> str:
    return content_hash_of_xml(parsed(xml.encode()))


def test_the_hash_is_that_of_the_canonical_form_without_naglowek() -> None:
    start, end = XML.index("<Naglowek>"), XML.index("</Naglowek>") + len("</Naglowek>")
    canonical = (XML[:start] + XML[end:]).partition("\n")[2]

    assert hash_of(XML) == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    "same",
    [
        XML.replace("2026-11-20T09:15:00Z", "2027-01-01T00:00:00Z"),
        XML.replace("<SystemInfo>ksef-courier</SystemInfo>", ""),
        XML.replace("</Naglowek>", "</Naglowek>\n  "),
        XML.replace("<Fa>", "<!-- a remark --><Fa>"),
        XML.replace("<Fa>", "<Fa >"),
        XML.replace("Pręt", "Pr&#x119;t"),
        XML.partition("\n")[2],
    ],
)
def test_what_says_the_same_has_the_same_hash(same: str) -> None:
    assert hash_of(same) == hash_of(XML)


@pytest.mark.parametrize(
    "other",
    [
        XML.replace("FV/11/2026/7", "FV/11/2026/8"),
        XML.replace("<P_15>123.00<", "<P_15>123.0<"),
        XML.replace("<Fa>", "<Fa>\n"),
        XML.replace("xmlns=", "xmlns:x='urn:x' xmlns="),
    ],
)
def test_what_says_something_else_has_another_hash(other: str) -> None:
    assert hash_of(other) != hash_of(XML)


def test_the_document_is_left_as_it_was() -> None:
    document = parsed(XML.encode())

    assert content_hash_of_xml(document) == content_hash_of_xml(document)
    assert document.root[0].tag == "{http://crd.gov.pl/wzor/2025/06/25/13775/}Naglowek"
