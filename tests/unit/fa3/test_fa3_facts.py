"""Facts are read from any document, ours or not, valid or not."""

from datetime import date
from decimal import Decimal

import pytest

from contracts.invoice import Invoice
from fa3.facts import Envelope, Facts, envelope, facts
from tests.support.fa3_samples import LINE, correction_fields, invoice, parsed, xml_of

XML = xml_of(invoice())


def facts_of(xml: str) -> Facts:
    return facts(parsed(xml.encode()))


def envelope_of(xml: str) -> Envelope:
    found = envelope(xml.encode())
    assert isinstance(found, Envelope), found
    return found


def prefixed(xml: str) -> str:
    """The same document with a prefix on every element."""
    return (
        xml.replace("xmlns=", "xmlns:tns=")
        .replace("</", "</tns:")
        .replace("<", "<tns:")
        .replace("<tns:/tns:", "</tns:")
        .replace("<tns:?", "<?")
    )


def test_the_facts_of_an_invoice() -> None:
    assert facts_of(XML) == Facts(
        seller_nip="5265877635",
        buyer_nip="1111111111",
        kind="VAT",
        number="FV/11/2026/7",
        self_billing=False,
        issue_date=date(2026, 11, 20),
        currency="PLN",
        gross=Decimal("123.00"),
        third_party_nips=(),
        third_party_internal_ids=(),
        authorised_nip=None,
        has_attachment=False,
        corrected_ksef_numbers=(),
    )


def test_the_facts_of_a_correction_with_many_parties() -> None:
    outside = {"number": "P/1", "issue_date": "2025-01-01", "outside_ksef": True}
    held = {"number": "F/1", "issue_date": "2026-03-01", "ksef_number": "5265877635-20260301-0100001AF629-AF"}
    person = {"name": "X", "address": {"country": "PL", "line1": "Y"}}
    made = correction_fields(
        annotations={"self_billing": True},
        buyer={"vat_eu": {"country": "DE", "number": "123456789"}},
        third_parties=[
            {"nip": "6511153259", "role": 2},
            {"internal_id": "1111111111-12343", "role": 8},
            {"nip": "1111111111", "role": 4},
        ],
        authorised={"nip": "5555555555", "role": 3, **person},
        correction={"originals": [held, outside, held]},
        lines=[LINE | {"net": "-100"}],
    )

    found = facts_of(xml_of(Invoice.model_validate(made)))

    assert (found.kind, found.gross, found.self_billing, found.buyer_nip) == (
        "KOR",
        Decimal("-123.00"),
        True,
        None,
    )
    assert found.third_party_nips == ("6511153259", "1111111111")
    assert found.third_party_internal_ids == ("1111111111-12343",)
    assert found.authorised_nip == "5555555555"
    assert found.corrected_ksef_numbers == ("5265877635-20260301-0100001AF629-AF",) * 2


def test_a_prefix_makes_no_difference() -> None:
    assert facts_of(prefixed(XML)) == facts_of(XML)
    assert envelope_of(prefixed(XML)) == envelope_of(XML)


@pytest.mark.parametrize(
    "written", ["FV/11\n\t 2026/7", " FV/11 2026/7 ", "FV/<!-- x -->11 2026/7", "<![CDATA[FV/11]]> 2026/7"]
)
def test_the_number_is_its_text_with_blanks_collapsed(written: str) -> None:
    xml = XML.replace("FV/11/2026/7", written)

    assert facts_of(xml).number == envelope_of(xml).number == "FV/11 2026/7"


def test_a_no_break_space_is_part_of_the_number() -> None:
    assert facts_of(XML.replace("FV/11/2026/7", "FV\u00a07")).number == "FV\u00a07"


@pytest.mark.parametrize(
    ("written", "expected"),
    [("1", True), ("01", True), ("+1", True), (" 1 ", True), ("2", False), ("", False)],
)
def test_self_billing_is_compared_as_a_number(written: str, expected: bool) -> None:
    xml = XML.replace("<P_17>2<", f"<P_17>{written}<")

    assert facts_of(xml).self_billing is envelope_of(xml).self_billing is expected


def test_what_cannot_be_read_is_absent() -> None:
    xml = (
        XML.replace("<P_15>123.00<", "<P_15>dużo<")
        .replace("<P_1>2026-11-20<", "<P_1>wczoraj<")
        .replace("<KodWaluty>PLN</KodWaluty>", "")
        .replace("<P_2>FV/11/2026/7<", "<P_2> <")
    )

    found = facts_of(xml)

    assert (found.gross, found.issue_date, found.currency, found.number) == (None, None, None, None)
    assert found.seller_nip == "5265877635"


def test_an_attachment_is_noticed() -> None:
    assert facts_of(XML.replace("</Faktura>", "<Zalacznik/></Faktura>")).has_attachment


def test_the_envelope_is_that_of_the_facts() -> None:
    assert envelope_of(XML) == Envelope(
        seller_nip="5265877635", buyer_nip="1111111111", kind="VAT", number="FV/11/2026/7", self_billing=False
    )


def test_the_envelope_is_read_without_looking_at_the_lines() -> None:
    assert envelope_of(XML.partition("<FaWiersz>")[0] + "<FaWiersz><unclosed") == envelope_of(XML)


@pytest.mark.parametrize(
    "disguised",
    [
        XML.replace("<Podmiot1>", "<!-- </RodzajFaktury> --><Podmiot1>"),
        XML.replace("<Podmiot1>", "<SystemInfo><![CDATA[</RodzajFaktury>]]></SystemInfo><Podmiot1>"),
        XML.replace("</RodzajFaktury>", "</RodzajFaktury\n>"),
    ],
)
def test_the_envelope_is_not_deceived_by_an_end_that_is_none(disguised: str) -> None:
    assert envelope_of(disguised) == envelope_of(XML)


def test_an_envelope_without_a_seller_says_so() -> None:
    assert envelope_of(XML.replace("<NIP>5265877635</NIP>", "")).seller_nip is None


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (XML.partition("<Fa>")[0], "K01"),
        ("", "K01"),
        ("<!DOCTYPE a>" + XML.partition("\n")[2], "K01"),
        ("\ufeff" + XML, "K01"),
        (XML.replace("2025/06/25/13775", "2023/06/29/12648"), "K04"),
        ("<html/>", "K04"),
    ],
)
def test_what_has_no_envelope_is_refused(raw: str, code: str) -> None:
    found = envelope(raw.encode())

    assert not isinstance(found, Envelope)
    assert [finding.code for finding in found] == [code]
