"""How totals come about: computed from lines, or kept as the ERP gives them."""

import re
from decimal import getcontext
from typing import Any

import pytest

from tests.support.fa3_samples import LINE, codes_of, correction, invoice, refusals_of, xml_of

EURO: dict[str, Any] = {"currency": "EUR", "fx": {"rate": "4.5"}}


def totals_of(**changes: Any) -> dict[str, str]:
    """The totals in the document written for an invoice."""
    return dict(re.findall(r"<(P_1[345]\w*)>([^<]*)<", xml_of(invoice(**changes))))


def line(**changes: Any) -> dict[str, Any]:
    """A line without a value of its own, with changes."""
    return {"name": "Towar", "rate": "23"} | changes


def test_a_net_price_is_taxed_on_the_sum_of_its_rate() -> None:
    lines = [line(qty="1", net_price="0.49")] * 3

    # 1.47 x 23 % = 0.3381; three times round(0.1127) would be 0.33
    assert totals_of(lines=lines) == {"P_13_1": "1.47", "P_14_1": "0.34", "P_15": "1.81"}


def test_a_gross_price_has_its_tax_taken_out_of_the_sum_of_its_rate() -> None:
    lines = [line(qty="1", gross_price="0.99")] * 3

    # 2.97 x 23 / 123 = 0.5554
    assert totals_of(lines=lines) == {"P_13_1": "2.41", "P_14_1": "0.56", "P_15": "2.97"}


def test_net_and_gross_prices_of_one_rate_are_added_up() -> None:
    lines = [line(net="100"), line(gross="123")]

    assert totals_of(lines=lines) == {"P_13_1": "200.00", "P_14_1": "46.00", "P_15": "246.00"}


def test_half_a_grosz_is_rounded_up() -> None:
    # 0.50 x 23 % = 0.115
    assert totals_of(lines=[line(net="0.50")])["P_14_1"] == "0.12"


def test_half_a_grosz_below_zero_is_rounded_away_from_zero() -> None:
    lines = [line(net="-0.50")]

    assert "<P_14_1>-0.12</P_14_1>" in xml_of(correction(lines=lines))


def test_a_line_is_quantity_times_price_less_discount() -> None:
    xml = xml_of(invoice(lines=[line(qty="3", net_price="1.115", discount="0.10")]))

    # 3.345 - 0.10 = 3.245
    assert "<P_10>0.10</P_10><P_11>3.25</P_11>" in xml


def test_a_discount_per_unit_is_written_for_the_whole_line() -> None:
    xml = xml_of(invoice(lines=[line(qty="20", net_price="1000", discount_per_unit="100")]))

    assert "<P_10>2000</P_10><P_11>18000.00</P_11>" in xml


def test_the_finest_discount_is_rounded_to_eight_decimals() -> None:
    xml = xml_of(invoice(lines=[line(qty="0.000001", net_price="9", discount_per_unit="0.12345678")]))

    assert "<P_10>0.00000012</P_10>" in xml


def test_quantity_times_price_is_exact_beyond_the_usual_precision() -> None:
    xml = xml_of(
        invoice(lines=[line(qty="12345678901.123456", net_price="1234.12345678", rate="zw")], **EXEMPT)
    )

    # bc: 12345678901.123456 * 1234.12345678 = 15236091921750.3913...
    assert "<P_11>15236091921750.39</P_11>" in xml


EXEMPT: dict[str, Any] = {"annotations": {"exemption": {"basis": "act", "text": "art. 43"}}}


def test_the_decimal_context_of_the_caller_has_no_influence(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = xml_of(invoice(lines=[line(qty="123456.789", net_price="98765.4321")]))
    monkeypatch.setattr(getcontext(), "prec", 3)

    assert xml_of(invoice(lines=[line(qty="123456.789", net_price="98765.4321")])) == expected


def test_two_rates_of_one_group_are_added_up() -> None:
    lines = [line(net="100", rate="8"), line(net="100", rate="7")]

    assert totals_of(lines=lines) == {"P_13_2": "200.00", "P_14_2": "15.00", "P_15": "215.00"}


def test_a_group_of_worthless_lines_is_written_all_the_same() -> None:
    assert totals_of(lines=[line(net="0")]) == {"P_13_1": "0.00", "P_14_1": "0.00", "P_15": "0.00"}


def test_totals_of_the_erp_are_kept_to_the_letter() -> None:
    totals = {"rates": [{"rate": "23", "net": "99.99", "vat": "23.01"}], "gross": "123.02"}

    assert totals_of(totals=totals) == {"P_13_1": "99.99", "P_14_1": "23.01", "P_15": "123.02"}


def test_what_the_erp_leaves_out_of_its_totals_is_computed() -> None:
    totals = {"rates": [{"rate": "23", "net": "200"}, {"rate": "5", "net": "10", "vat": "0.49"}]}

    assert totals_of(totals=totals) == {
        "P_13_1": "200.00",
        "P_14_1": "46.00",
        "P_13_3": "10.00",
        "P_14_3": "0.49",
        "P_15": "256.49",
    }


def test_the_amount_due_of_the_erp_is_kept_beside_computed_totals() -> None:
    assert totals_of(totals={"gross": "123.01"}) == {"P_13_1": "100.00", "P_14_1": "23.00", "P_15": "123.01"}


def test_vat_in_pln_is_the_vat_of_the_rate_at_the_common_exchange_rate() -> None:
    # 3118.80 x 4.5005 = 14036.1594
    totals = totals_of(currency="EUR", fx={"rate": "4.5005"}, lines=[line(net="13560")])

    assert (totals["P_14_1"], totals["P_14_1W"]) == ("3118.80", "14036.16")


def test_vat_in_pln_is_added_up_line_by_line_at_different_exchange_rates() -> None:
    lines = [line(net="100"), line(net="100", fx_rate="4"), line(gross="123", fx_rate="5")]

    # 23 x 4.5 + 23 x 4 + 23 x 5
    assert totals_of(lines=lines, **EURO)["P_14_1W"] == "310.50"


def test_stated_vat_of_the_lines_is_what_is_converted() -> None:
    lines = [line(net="100", vat="22.99"), line(net="100", vat="23", fx_rate="4")]

    # 22.99 x 4.5 + 23 x 4 = 195.455
    assert totals_of(lines=lines, **EURO)["P_14_1W"] == "195.46"


def test_vat_in_pln_given_by_the_erp_is_kept() -> None:
    totals = {"rates": [{"rate": "23", "net": "100", "vat": "23", "vat_pln": "103.49"}]}

    assert totals_of(totals=totals, currency="EUR")["P_14_1W"] == "103.49"


def test_given_totals_without_vat_in_pln_are_converted() -> None:
    totals = {"rates": [{"rate": "23", "net": "100"}]}

    assert totals_of(totals=totals, **EURO)["P_14_1W"] == "103.50"


def test_an_invoice_without_vat_needs_no_exchange_rate() -> None:
    assert totals_of(currency="EUR", lines=[line(net="100", rate="0 EX")]) == {
        "P_13_6_3": "100.00",
        "P_15": "100.00",
    }


def test_vat_that_cannot_be_told_in_pln_is_refused() -> None:
    lines = [line(net="100"), line(net="100", rate="8", fx_rate="4.5")]

    assert codes_of(refusals_of(invoice(currency="EUR", lines=lines))) == [("C35", "fx")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fx": {"rate": "4.5"}}, "fx.rate"),
        ({"lines": [LINE | {"fx_rate": "4.5"}]}, "lines[0].fx_rate"),
        ({"totals": {"rates": [{"rate": "23", "net": "1", "vat_pln": "1"}]}}, "totals.rates[0].vat_pln"),
    ],
)
def test_an_exchange_rate_on_an_invoice_in_pln_is_refused(changes: dict[str, Any], field: str) -> None:
    assert codes_of(refusals_of(invoice(**changes))) == [("C35", field)]


def test_the_exchange_rate_1_of_an_invoice_in_pln_says_nothing() -> None:
    assert xml_of(invoice(fx={"rate": "1.0000"}, lines=[LINE | {"fx_rate": 1}])) == xml_of(invoice())


def test_a_rate_given_twice_is_refused() -> None:
    totals = {"rates": [{"rate": "23", "net": "1"}, {"rate": "8", "net": "1"}, {"rate": "23", "net": "2"}]}

    assert codes_of(refusals_of(invoice(totals=totals))) == [("C41", "totals.rates[2].rate")]


def test_vat_at_a_rate_that_carries_none_is_refused() -> None:
    totals = {"rates": [{"rate": "0 EX", "net": "1", "vat": "0.23"}]}

    assert codes_of(refusals_of(invoice(totals=totals))) == [("C41", "totals.rates[0]")]


def test_negative_zero_is_written_as_zero() -> None:
    assert totals_of(lines=[line(net="-0.00"), line(qty="-1", net_price="0")]) == {
        "P_13_1": "0.00",
        "P_14_1": "0.00",
        "P_15": "0.00",
    }


def test_a_price_below_a_millionth_is_written_without_exponent() -> None:
    xml = xml_of(invoice(lines=[line(qty="1000000", net_price="0.00000012")]))

    assert "<P_9A>0.00000012</P_9A><P_11>0.12</P_11>" in xml


def test_a_correction_subtracts_the_state_before() -> None:
    before = line(net="1000", vat="230", state="before")
    after = line(net="900.10", vat="207.02", state="after")

    xml = xml_of(correction(lines=[before, after]))

    assert "<P_13_1>-99.90</P_13_1><P_14_1>-22.98</P_14_1><P_15>-122.88</P_15>" in xml
    assert xml.count("<StanPrzed>1</StanPrzed>") == 1
