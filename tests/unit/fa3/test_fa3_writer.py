"""Decisions of the writer that the golden files do not show."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fa3.writer import Written, write
from tests.support.fa3_samples import LINE, SELLER, correction, invoice, xml_of

ANNEX_15: dict[str, Any] = {"name": "Stal", "rate": "23", "annex15": True}


def test_equal_arguments_give_equal_bytes() -> None:
    assert xml_of(invoice()) == xml_of(invoice())


def test_the_moment_of_creation_is_the_callers_unless_the_invoice_has_one() -> None:
    stated = invoice(source={"created_at": "2026-11-19T08:00:00+01:00"})

    assert "<DataWytworzeniaFa>2026-11-20T09:15:00Z</DataWytworzeniaFa>" in xml_of(invoice())
    assert "<DataWytworzeniaFa>2026-11-19T07:00:00Z</DataWytworzeniaFa>" in xml_of(stated)


def test_the_moment_of_creation_is_written_in_utc_and_whole_seconds() -> None:
    moment = datetime(2026, 11, 20, 10, 15, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))

    written = write(invoice(), seller=SELLER, created_at=moment)

    assert isinstance(written, Written)
    assert b"<DataWytworzeniaFa>2026-11-20T09:15:00Z</DataWytworzeniaFa>" in written.xml


def test_the_software_is_named_without_a_version() -> None:
    assert "<SystemInfo>ksef-courier</SystemInfo>" in xml_of(invoice())


@pytest.mark.parametrize(("net", "mark"), [("12195.12", "2"), ("12195.13", "1")])
def test_auto_split_payment_begins_above_15000_pln_with_an_annex_15_line(net: str, mark: str) -> None:
    # 12195.12 + 23 % = 15000.00
    made = invoice(annotations={"split_payment": "auto"}, lines=[ANNEX_15 | {"net": net}])

    assert f"<P_18A>{mark}</P_18A>" in xml_of(made)


def test_auto_split_payment_needs_an_annex_15_line() -> None:
    made = invoice(annotations={"split_payment": "auto"}, lines=[LINE | {"net": "100000"}])

    assert "<P_18A>2</P_18A>" in xml_of(made)


def test_auto_split_payment_converts_a_foreign_currency() -> None:
    made = invoice(
        annotations={"split_payment": "auto"},
        currency="EUR",
        fx={"rate": "4.5"},
        lines=[ANNEX_15 | {"net": "3000"}],
    )

    assert "<P_18A>1</P_18A>" in xml_of(made)


@pytest.mark.parametrize(("rate", "mark"), [("oo", "1"), ("np II", "1"), ("23", "2"), ("0 WDT", "2")])
def test_auto_reverse_charge_follows_the_rates(rate: str, mark: str) -> None:
    made = invoice(annotations={"reverse_charge": "auto"}, lines=[LINE | {"rate": rate}])

    assert f"<P_18>{mark}</P_18>" in xml_of(made)


@pytest.mark.parametrize(("rate", "count"), [("0 WDT", 1), ("np II", 1), ("0 EX", 0), ("np I", 0), ("23", 0)])
def test_the_prefix_of_the_seller_follows_the_rates(rate: str, count: int) -> None:
    assert xml_of(invoice(lines=[LINE | {"rate": rate}])).count("<PrefiksPodatnika>PL<") == count


def test_the_prefix_of_the_seller_can_be_ruled_out() -> None:
    made = invoice(seller={"nip": "5265877635", "eu_prefix": False}, lines=[LINE | {"rate": "0 WDT"}])

    assert "PrefiksPodatnika" not in xml_of(made)


@pytest.mark.parametrize(
    ("vat_eu", "identity"),
    [
        ({"country": "GR", "number": "123456789"}, "<KodUE>EL</KodUE><NrVatUE>123456789</NrVatUE>"),
        ({"country": "EL", "number": "EL123456789"}, "<KodUE>EL</KodUE><NrVatUE>123456789</NrVatUE>"),
        ({"country": "AT", "number": "atu 1234.56-78"}, "<KodUE>AT</KodUE><NrVatUE>U12345678</NrVatUE>"),
        ({"country": "PL", "number": "PL 526-587-76-35"}, "<NIP>5265877635</NIP>"),
        ({"country": "PL", "number": "5265877636"}, "<KodUE>PL</KodUE><NrVatUE>5265877636</NrVatUE>"),
        ({"country": "XI", "number": "123456789"}, "<KodUE>XI</KodUE><NrVatUE>123456789</NrVatUE>"),
    ],
)
def test_a_vat_number_is_written_without_prefix_and_separators(vat_eu: dict[str, str], identity: str) -> None:
    assert f"<DaneIdentyfikacyjne>{identity}" in xml_of(invoice(buyer={"vat_eu": vat_eu}))


def test_a_date_of_supply_equal_to_the_day_of_issue_is_left_out() -> None:
    assert xml_of(invoice(supply={"date": "2026-11-20"})) == xml_of(invoice())
    assert "<P_6>2026-11-19</P_6>" in xml_of(invoice(supply={"date": "2026-11-19"}))


def test_lines_are_numbered_by_position_unless_they_have_a_number() -> None:
    xml = xml_of(invoice(lines=[LINE, LINE | {"no": 70}, LINE]))

    assert [xml.count(f"<NrWierszaFa>{number}<") for number in (1, 2, 3, 70)] == [1, 0, 1, 1]


def test_a_remark_on_a_line_carries_the_number_the_line_is_written_with() -> None:
    xml = xml_of(invoice(lines=[LINE, LINE | {"no": 70, "po": {"number": "45", "item": "10"}}]))

    assert "<NrWiersza>70</NrWiersza><Klucz>POREF</Klucz><Wartosc>45/10</Wartosc>" in xml


def test_lines_of_different_shapes_keep_their_own_elements() -> None:
    shapes = [LINE | {"uid": "U1"}, LINE | {"sku": "S2"}, LINE | {"uid": "U3", "sku": "S3", "gtu": 7}, LINE]

    xml = xml_of(invoice(lines=shapes))

    assert "<NrWierszaFa>1</NrWierszaFa><UU_ID>U1</UU_ID><P_7>Pręt stalowy</P_7><P_11>" in xml
    assert "<NrWierszaFa>2</NrWierszaFa><P_7>Pręt stalowy</P_7><Indeks>S2</Indeks><P_11>" in xml
    assert "<P_12>23</P_12><GTU>GTU_07</GTU></FaWiersz>" in xml
    assert "<NrWierszaFa>4</NrWierszaFa><P_7>Pręt stalowy</P_7><P_11>" in xml


def test_markup_in_texts_is_escaped() -> None:
    xml = xml_of(invoice(number="A&B<C>]]>", lines=[LINE | {"name": "<b>&amp;</b>"}, LINE]))

    assert "<P_2>A&amp;B&lt;C&gt;]]&gt;</P_2>" in xml
    assert "<P_7>&lt;b&gt;&amp;amp;&lt;/b&gt;</P_7>" in xml


def test_a_percent_sign_in_a_text_stays_a_percent_sign() -> None:
    assert "<P_7>Rabat 100%s %d</P_7>" in xml_of(invoice(lines=[LINE | {"name": "Rabat 100%s %d"}]))


def test_parts_that_say_nothing_leave_no_empty_elements() -> None:
    empty = invoice(
        payment={"terms": [{}]},
        terms={"orders": [{}]},
        footer={"registers": [{}]},
        buyer={"nip": "1111111111", "contacts": [{}]},
    )

    assert xml_of(empty) == xml_of(invoice(buyer={"nip": "1111111111"}))


def test_a_settlement_defaults_to_what_is_due_on_the_invoice() -> None:
    xml = xml_of(invoice(settlement={"charges": [{"amount": "10", "reason": "kaucja"}]}))

    assert "<SumaObciazen>10.00</SumaObciazen><DoZaplaty>133.00</DoZaplaty>" in xml


def test_a_correction_of_data_alone_has_no_totals_but_zero() -> None:
    before = {"nip": "1111111111", "name": "Dawna nazwa"}
    original = {"number": "1", "issue_date": "2026-01-01", "outside_ksef": True}

    xml = xml_of(correction(lines=[], correction={"originals": [original], "buyers_before": [before]}))

    assert "</P_2><P_15>0.00</P_15><Adnotacje>" in xml
