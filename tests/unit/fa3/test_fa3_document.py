"""Parsing without trust: what cannot be sent is found before anybody uses the tree."""

import re

import pytest

from contracts.findings import Finding
from fa3.document import Document, SizeLimits, parse
from tests.support.fa3_samples import invoice, parsed, xml_of
from tests.support.languages import in_both

XML = xml_of(invoice(number="FV/ż/7", delivery_notes=["WZ/881"])).encode()
MANY_LINES = XML.replace(b"><", b">\n<")


def refusal(raw: bytes) -> Finding:
    """The only finding for a document that cannot be parsed."""
    found = parse(raw)
    assert not isinstance(found, Document)
    assert len(found) == 1, found
    return in_both(found)[0]


def test_a_document_keeps_its_bytes_and_knows_its_version() -> None:
    document = parsed(XML)

    assert document.raw is XML
    assert document.version.form_code == ("FA (3)", "1-0E", "FA")
    assert not document.has_attachment


@pytest.mark.parametrize(
    "same",
    [
        XML.partition(b"\n")[2],
        XML.replace(b'encoding="UTF-8"', b"encoding='utf-8'"),
        XML.replace(b'version="1.0" encoding="UTF-8"', b'version="1.0" encoding="UTF-8" standalone="yes"'),
        b"<!-- FA(3) -->" + XML.partition(b"\n")[2],
        XML.replace(b"xmlns=", b"xmlns:tns=")
        .replace(b"</", b"</tns:")
        .replace(b"<", b"<tns:")
        .replace(b"<tns:/tns:", b"</tns:")
        .replace(b"<tns:?", b"<?"),
        XML.replace(b"WZ/881", b"<![CDATA[WZ/881 <?x?> <!DOCTYPE a>]]>"),
        XML.replace(b"WZ/881", b"WZ<!-- <?x?> <!DOCTYPE a> -->/881"),
        XML.replace(b"WZ/881", b"WZ&#x17C;&amp;&#38;"),
        XML.replace("ż".encode(), "\u0085\u00a0\u2028\ufffd😀".encode()),
        XML + b"\n",
    ],
)
def test_what_ksef_takes_is_taken(same: bytes) -> None:
    assert isinstance(parse(same), Document)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"plain text",
        XML[:-12],
        XML.replace(b"</P_2>", b"</P_3>"),
        XML + b"<again/>",
        XML.replace(b"WZ/881", b"WZ&foo;"),
        XML.replace(b"WZ/881", b"WZ\x08"),
        XML.replace(b"WZ/881", b"WZ&#x8;"),
        XML.replace(b"WZ/881", "WZ\ufffe".encode()),
        XML.replace(b"<P_2>", b'<P_2 a="1" a="2">'),
        b"<a>" * 300 + b"</a>" * 300,
        b"<a>" * 500_000,
    ],
)
def test_what_is_not_well_formed_is_refused(raw: bytes) -> None:
    finding = refusal(raw)

    assert finding.code == "K01"
    assert finding.text.startswith("The document is not well-formed XML: ")


def test_a_syntax_error_has_its_place() -> None:
    assert refusal(MANY_LINES.replace(b"</P_1>", b"</P_9>")).place == "line 34, column 22"


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_byte_order_mark_is_refused(mark: bytes) -> None:
    found = parse(mark + XML)

    assert not isinstance(found, Document)
    assert (found[0].code, found[0].place) == ("K01", "line 1, column 1")
    assert "byte order mark" in found[0].text


@pytest.mark.parametrize("encoding", [b"windows-1250", b"ISO-8859-2", b"UTF-16", b"utf8"])
def test_another_declared_encoding_is_refused(encoding: bytes) -> None:
    finding = refusal(XML.replace(b"UTF-8", encoding))

    assert (finding.code, encoding.decode() in finding.text) == ("K01", True)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_an_encoding_that_a_parser_would_recognise_is_refused(encoding: str) -> None:
    assert refusal(XML.decode().partition("\n")[2].encode(encoding)).code == "K02"
    assert refusal("<Faktura/>".encode(encoding)).code == "K01"


def test_another_version_of_xml_is_refused() -> None:
    assert "XML 1.1" in refusal(XML.replace(b'version="1.0"', b'version="1.1"')).text


@pytest.mark.parametrize(
    "raw",
    [
        XML.decode().encode("cp1250"),
        XML.replace(b"WZ/881", b"\xc0\xaf"),
        XML.replace(b"WZ/881", b"\xed\xa0\x80"),
        XML.replace(b"WZ/881", b"\xf4\x90\x80\x80"),
    ],
)
def test_bytes_that_are_no_utf_8_are_refused_at_their_place(raw: bytes) -> None:
    finding = refusal(raw)

    assert finding.code == "K02"
    assert re.fullmatch(r"line 2, column \d+", finding.place or "")


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE Faktura>",
        b'<!DOCTYPE Faktura SYSTEM "http://example.com/x.dtd">',
        b'<!DOCTYPE Faktura [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b"<!-- hidden --><!DOCTYPE Faktura>",
        b"<!-- <!-- --> \n\t<!DOCTYPE Faktura>",
        b"<?x y?><!DOCTYPE Faktura>",
    ],
)
def test_a_document_type_is_refused_wherever_it_hides(doctype: bytes) -> None:
    finding = refusal(XML.replace(b"?>\n", b"?>\n" + doctype))

    assert (finding.code, "DOCTYPE" in finding.text) == ("K01", True)
    assert (finding.place or "").startswith("line ")


def test_a_bomb_of_entities_is_refused_unexploded() -> None:
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12))
    bomb = (
        b'<!DOCTYPE Faktura [<!ENTITY e0 "boom">'
        + entities
        + b"]>"
        + XML.partition(b"\n")[2].replace(b"WZ/881", b"&e11;")
    )

    assert "DOCTYPE" in refusal(bomb).text


@pytest.mark.parametrize(
    "with_instruction",
    [
        XML.replace(b"<Fa>", b"<?php echo 1 ?><Fa>"),
        XML.replace(b"?>\n", b'?>\n<?xml-stylesheet href="x.xsl"?>'),
        XML + b"<?end?>",
        XML.partition(b"\n")[2].replace(b"<Fa>", b"<Fa><?a?>"),
    ],
)
def test_a_processing_instruction_is_refused(with_instruction: bytes) -> None:
    finding = refusal(with_instruction)

    assert (finding.code, "processing instruction" in finding.text) == ("K03", True)


@pytest.mark.parametrize(
    "character",
    ["\x7f", "\x80", "\x84", "\x86", "\x9f", "\ufdd0", "\ufdef", "\U0001fffe", "\U0008ffff", "\U0010ffff"],
)
def test_a_discouraged_character_is_refused(character: str) -> None:
    raw = XML.replace(b"WZ/881", f"WZ{character}".encode())
    reference = XML.replace(b"WZ/881", f"WZ&#{ord(character)};".encode())

    assert refusal(raw).code == "K03"
    assert re.fullmatch(r"line 2, column \d+", refusal(raw).place or "")
    assert f"U+{ord(character):04X}" in refusal(raw).text
    assert (refusal(reference).code, refusal(reference).fa3_path) == ("K03", "Fa/WZ")


def test_a_discouraged_character_in_an_attribute_is_refused() -> None:
    assert refusal(XML.replace(b"<P_2>", b'<P_2 a="&#x80;">')).fa3_path == "Fa/P_2"


def test_several_problems_are_named_at_once() -> None:
    found = parse(
        XML.replace(b"WZ/881", b"\xc2\x80\x7f").replace(b"<Fa>", b"<?x?><Fa>").replace(b"/06/25/", b"/06/26/")
    )

    assert not isinstance(found, Document)
    assert [finding.code for finding in found] == ["K03", "K03", "K03", "K04"]


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        (b"http://crd.gov.pl/wzor/2023/06/29/12648/", "FA(2)"),
        (b"http://crd.gov.pl/wzor/2026/03/06/14189/", "FA_RR(1)"),
        (b"http://crd.gov.pl/wzor/2025/06/25/13775", "namespace http://crd.gov.pl/wzor/2025/06/25/13775;"),
    ],
)
def test_another_form_is_refused_by_its_name(namespace: bytes, name: str) -> None:
    finding = refusal(XML.replace(b"http://crd.gov.pl/wzor/2025/06/25/13775/", namespace))

    assert (finding.code, name in finding.text) == ("K04", True)


def test_another_root_is_refused() -> None:
    assert (
        refusal(b"<html/>").text
        == "The document has the root html in namespace none; expected is Faktura of FA(3)."
    )


def test_a_document_beyond_the_limits_is_refused_unparsed() -> None:
    limits = SizeLimits(plain=len(XML), with_attachment=len(XML))

    assert isinstance(parse(XML, limits=limits), Document)
    assert parse(XML + b" ", limits=limits) == (
        Finding(
            code="K05",
            text=f"The document has {len(XML) + 1:,} bytes, KSeF takes {len(XML):,}.",
            text_pl=f"Dokument ma bajtów: {len(XML) + 1}, a KSeF przyjmuje najwyżej {len(XML)}.",
            next_step="Split the invoice, or shorten texts that repeat on every line.",
            next_step_pl="Podziel fakturę albo skróć teksty, które powtarzają się w każdym wierszu.",
        ),
    )


def test_only_an_attachment_allows_the_larger_size() -> None:
    limits = SizeLimits(plain=len(XML) - 1, with_attachment=2 * len(XML))
    attached = XML.replace(b"</Faktura>", b"<Zalacznik/></Faktura>")

    found, taken = parse(XML, limits=limits), parse(attached, limits=limits)

    assert not isinstance(found, Document)
    assert [finding.code for finding in found] == ["K05"]
    assert isinstance(taken, Document)
    assert taken.has_attachment
