"""Everything that is wrong with a document is said at once: what, where, what to do."""

from typing import Any

import pytest

from contracts.invoice.problems import MOST_FINDINGS
from tests.support.invoice_samples import LINE, codes, fields, findings, invoice, line

ADDRESS = {"country": "PL", "line1": "Rynek 3"}

REFUSED_AND_MENDED: list[tuple[str, str | None, dict[str, Any], dict[str, Any]]] = [
    ("C10", "buyer_nip", fields(buyer_nip="1111111111"), fields()),
    ("C10", "lines[0].discunt", line(discunt="1"), line(discount="1")),
    ("C11", "issue_date", {k: v for k, v in fields().items() if k != "issue_date"}, fields()),
    ("C11", "lines[0].name", line(name=" "), line(name="Pręt")),
    ("C12", "buyer", fields(buyer="Odbiorca"), fields()),
    ("C12", "lines", fields(lines={"1": LINE}), fields(lines=[LINE])),
    ("C12", "issue_place", fields(issue_place=5), fields(issue_place="Kraków")),
    ("C12", "flags.receipt", fields(flags={"receipt": "tak"}), fields(flags={"receipt": True})),
    ("C13", "lines[0].name", line(name="a" * 513), line(name="a" * 512)),
    ("C14", "footer.texts", fields(footer={"texts": list("abcd")}), fields(footer={"texts": list("abc")})),
    ("C14", "attachment.blocks", fields(attachment={"blocks": []}), fields()),
    ("C15", "kind", fields(kind="vat"), fields(kind="VAT")),
    ("C15", "lines[0].rate", line(rate="0"), line(rate="0 KR")),
    ("C16", "lines[0].net", line(net="1,00"), line(net="1.00")),
    ("C16", "lines[0].gtu", line(gtu=14), line(gtu=13)),
    ("C16", "lines[0].no", line(no="x"), line(no="7")),
    ("C17", "issue_date", fields(issue_date="20.11.2026"), fields(issue_date="2026-11-20")),
    ("C18", "seller.nip", fields(seller={"nip": "PL5265877635"}), fields(seller={"nip": "5265877635"})),
    ("C18", "currency", fields(currency="zł"), fields(currency="PLN")),
    (
        "C18",
        "buyer.contacts[0].email",
        fields(buyer={"nip": "1111111111", "contacts": [{"email": "a"}]}),
        fields(),
    ),
    ("C19", "number", fields(number="FV\x01"), fields(number="FV")),
    ("C20", "buyer", fields(buyer={"name": "Odbiorca"}), fields(buyer={"no_id": True})),
    ("C20", "buyer", fields(buyer={"nip": "1111111111", "no_id": True}), fields()),
    (
        "C20",
        "supply",
        fields(supply={"date": "2026-11-01", "from": "2026-11-01"}),
        fields(supply={"date": "2026-11-01"}),
    ),
    (
        "C20",
        "supply",
        fields(supply={"from": "2026-11-01"}),
        fields(supply={"from": "2026-11-01", "to": "2026-11-30"}),
    ),
    ("C20", "lines[0]", line(gross="123.00"), line(gross="123.00", net=None)),
    ("C20", "lines[0]", line(gross_price="1", net_price="1"), line(net_price="1")),
    ("C20", "lines[0]", line(discount="1", discount_per_unit="1"), line(discount="1")),
    (
        "C20",
        "third_parties[0]",
        fields(third_parties=[{"nip": "1111111111", "role": 1, "role_text": "inna"}]),
        fields(third_parties=[{"nip": "1111111111", "role": 1}]),
    ),
    (
        "C20",
        "payment.terms[0]",
        fields(payment={"terms": [{"count": 14, "unit": "dni"}]}),
        fields(payment={"terms": [{"count": 14, "unit": "dni", "event": "dostawa"}]}),
    ),
    (
        "C20",
        "correction.originals[0]",
        fields(
            correction={
                "originals": [
                    {
                        "number": "1",
                        "issue_date": "2026-01-01",
                        "outside_ksef": True,
                        "ksef_number": "5265877635-20261005-0100001AF629-AF",
                    }
                ]
            }
        ),
        fields(correction={"originals": [{"number": "1", "issue_date": "2026-01-01", "outside_ksef": True}]}),
    ),
]


@pytest.mark.parametrize(("code", "field", "wrong", "right"), REFUSED_AND_MENDED)
def test_a_problem_has_its_code_and_path_and_its_cure_works(
    code: str, field: str | None, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    assert codes(wrong) == [(code, field)]
    assert invoice(right).model == "invoice/1"


def test_all_problems_are_named_at_once() -> None:
    wrong = fields(
        number="", issue_date="x", buyer={"nip": "1"}, lines=[LINE | {"qty": "a"}, LINE | {"rate": "24"}]
    )

    assert codes(wrong) == [
        ("C11", "number"),
        ("C17", "issue_date"),
        ("C18", "buyer.nip"),
        ("C16", "lines[0].qty"),
        ("C15", "lines[1].rate"),
    ]


def test_a_finding_says_what_is_wrong_with_the_value_and_what_to_do() -> None:
    (finding,) = findings(line(qty="1,5"))

    assert finding.text == "lines[0].qty is not written in digits with a decimal point: 1,5"
    assert finding.next_step == "Write digits and a decimal point, nothing else: 1234.56."
    assert finding.value == "1,5"
    assert finding.severity == "error"


def test_an_unknown_field_names_the_nearest_known_one() -> None:
    (finding,) = findings(line(discunt="1"))

    assert finding.text == "lines[0].discunt is no field of invoice/1."
    assert finding.next_step == "Did you mean discount?"
    assert "discount_per_unit" in finding.allowed


def test_an_unknown_field_unlike_any_other_is_refused_without_a_guess() -> None:
    (finding,) = findings(fields(supply={"xyzzy": 1}))

    assert finding.next_step == "Remove the field or correct its name."
    assert finding.allowed == ("date", "from", "to")


def test_an_unknown_field_within_a_list_of_a_part_is_compared_with_that_part() -> None:
    (finding,) = findings(
        fields(payment={"accounts": [{"number": "73111111111111111111111111", "swfit": "X"}]})
    )

    assert (finding.field, finding.next_step) == ("payment.accounts[0].swfit", "Did you mean swift?")


def test_a_closed_list_shows_what_it_allows() -> None:
    (finding,) = findings(line(rate="0"))

    assert finding.allowed[:3] == ("23", "22", "8")
    assert "0 WDT" in finding.allowed


def test_a_long_value_is_cut() -> None:
    (finding,) = findings(fields(seller={"nip": "9" * 5000}))

    assert finding.value == "9" * 80 + "…"


def test_a_value_that_is_no_scalar_is_not_shown() -> None:
    (finding,) = findings(fields(number={"secret": "Tajne"}))

    assert finding.value is None
    assert "Tajne" not in finding.text


def test_more_findings_than_fit_are_counted() -> None:
    listed = findings(fields(lines=[LINE | {"qty": "x"}] * 300))

    assert len(listed) == MOST_FINDINGS + 1
    assert (listed[-1].code, listed[-1].text) == ("C00", "200 more problems are not listed.")


@pytest.mark.parametrize("name", ["!", "!code", "", "lines[0]", "a.b"])
def test_an_unknown_field_may_have_any_name(name: str) -> None:
    (finding,) = findings(line(**{name: 1}))

    assert finding.code == "C10"
    assert (finding.field or "").startswith("lines[0]")
