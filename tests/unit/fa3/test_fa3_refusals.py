"""What keeps FA(3) from being written, each with its cure."""

from typing import Any

import pytest

from contracts.invoice import Invoice
from fa3.writer import SellerDetails, Written, write
from tests.support.fa3_samples import (
    CREATED_AT,
    LINE,
    ORIGINAL,
    SELLER,
    codes_of,
    correction_fields,
    fields,
    refusals_of,
    xml_of,
)

NAMELESS: dict[str, Any] = {"name": "Towar", "rate": "23"}
NOTE = {"key": "a", "value": "b"}
EXEMPTION = {"basis": "act", "text": "art. 43"}

REFUSED_AND_MENDED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("C30", "kind", fields(kind="UPR"), fields()),
    ("C31", "annotations.margin", fields(annotations={"margin": "travel"}), fields()),
    ("C31", "lines[1].rate.oss", fields(lines=[LINE, LINE | {"rate": {"oss": 19}}]), fields()),
    ("C31", "totals.rates[0].rate", fields(totals={"rates": [{"net": "1"}]}), fields()),
    (
        "C32",
        "lines[0]",
        fields(lines=[NAMELESS | {"qty": "1"}]),
        fields(lines=[NAMELESS | {"qty": "1", "net": "1"}]),
    ),
    (
        "C32",
        "lines[0]",
        fields(lines=[NAMELESS | {"net_price": "1"}]),
        fields(lines=[LINE | {"net_price": "1"}]),
    ),
    (
        "C32",
        "lines[0].discount_per_unit",
        fields(lines=[LINE | {"discount_per_unit": "1"}]),
        fields(lines=[LINE | {"discount_per_unit": "1", "qty": "1"}]),
    ),
    (
        "C33",
        "lines[0].rate",
        fields(lines=[{"name": "x", "net": "1"}]),
        fields(lines=[{"name": "x", "net": "1", "rate": 5}]),
    ),
    (
        "C34",
        "annotations.exemption",
        fields(lines=[LINE | {"rate": "zw"}]),
        fields(lines=[LINE | {"rate": "zw"}], annotations={"exemption": EXEMPTION}),
    ),
    ("C35", "fx", fields(currency="EUR"), fields(currency="EUR", fx={"rate": "4.5"})),
    ("C37", "correction", fields(kind="KOR"), correction_fields()),
    ("C37", "correction", correction_fields(kind="VAT"), correction_fields()),
    ("C37", "correction.originals", correction_fields(correction={"reason": "x"}), correction_fields()),
    (
        "C37",
        "correction.originals[1]",
        correction_fields(correction={"originals": [ORIGINAL, {"number": "1", "issue_date": "2026-01-01"}]}),
        correction_fields(
            correction={
                "originals": [ORIGINAL, {"number": "1", "issue_date": "2026-01-01", "outside_ksef": True}]
            }
        ),
    ),
    ("C37", "correction", correction_fields(lines=[]), correction_fields(lines=[], totals={"gross": 0})),
    (
        "C38",
        "payment.paid_on",
        fields(payment={"status": "paid"}),
        fields(payment={"status": "paid", "paid_on": "2026-11-20"}),
    ),
    (
        "C38",
        "payment.paid_on",
        fields(payment={"paid_on": "2026-11-20"}),
        fields(payment={"status": "unpaid"}),
    ),
    (
        "C38",
        "payment.parts",
        fields(payment={"status": "partly"}),
        fields(payment={"status": "partly", "parts": [{"amount": "1", "date": "2026-11-20"}]}),
    ),
    (
        "C38",
        "payment.parts",
        fields(payment={"parts": [{"amount": "1", "date": "2026-11-20"}]}),
        fields(payment={"status": "paid_in_parts", "parts": [{"amount": "1", "date": "2026-11-20"}]}),
    ),
    (
        "C39",
        "annotations.reverse_charge",
        fields(annotations={"reverse_charge": "auto"}, lines=[LINE | {"rate": "np I"}]),
        fields(
            annotations={"reverse_charge": "auto"}, lines=[LINE | {"rate": "np I"}, LINE | {"rate": "np II"}]
        ),
    ),
    (
        "C39",
        "annotations.split_payment",
        correction_fields(annotations={"split_payment": "auto"}, lines=[LINE | {"annex15": True}]),
        correction_fields(annotations={"split_payment": "auto"}),
    ),
    ("C40", "lines", fields(lines=[]), fields()),
    (
        "C41",
        "totals.rates[1].rate",
        fields(totals={"rates": [{"rate": "5", "net": "1"}] * 2}),
        fields(totals={"rates": [{"rate": "5", "net": "1"}]}),
    ),
    (
        "C42",
        "notes",
        fields(notes=[NOTE] * 9_999, lines=[LINE | {"notes": [NOTE], "delivery_note": "WZ"}]),
        fields(notes=[NOTE] * 9_998, lines=[LINE | {"notes": [NOTE], "delivery_note": "WZ"}]),
    ),
    (
        "C43",
        "lines[0].state",
        fields(lines=[LINE | {"state": "before"}]),
        correction_fields(lines=[LINE | {"state": "before"}]),
    ),
    (
        "C44",
        "supply",
        fields(supply={"date": "2026-11-01"}, lines=[LINE | {"date": "2026-11-02"}]),
        fields(lines=[LINE | {"date": "2026-11-02"}]),
    ),
]


@pytest.mark.parametrize(("code", "field", "wrong", "right"), REFUSED_AND_MENDED)
def test_a_refusal_has_its_code_and_field_and_its_cure_works(
    code: str, field: str, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    assert codes_of(refusals_of(Invoice.model_validate(wrong))) == [(code, field)]
    assert xml_of(Invoice.model_validate(right))


@pytest.mark.parametrize("kind", ["UPR", "ZAL", "ROZ", "KOR_ZAL", "KOR_ROZ"])
def test_kinds_that_are_not_written_yet_are_refused_by_name(kind: str) -> None:
    (finding,) = refusals_of(Invoice.model_validate(fields(kind=kind)))

    assert (finding.code, finding.value) == ("C30", kind)


def test_all_refusals_are_named_at_once() -> None:
    wrong = fields(
        kind="ROZ",
        lines=[{"name": "x"}, LINE | {"rate": "zw"}],
        payment={"status": "paid"},
        seller={"nip": "1111111111"},
    )

    refused = write(Invoice.model_validate(wrong), seller=None, created_at=CREATED_AT)

    assert not isinstance(refused, Written)
    assert codes_of(refused) == [
        ("C36", "seller.name"),
        ("C36", "seller.address"),
        ("C30", "kind"),
        ("C32", "lines[0]"),
        ("C34", "annotations.exemption"),
        ("C38", "payment.paid_on"),
    ]


def test_a_seller_in_full_needs_no_master_data() -> None:
    seller = {"nip": "5265877635", "name": "Huta", "address": {"country": "PL", "line1": "Piecowa 7"}}

    written = write(Invoice.model_validate(fields(seller=seller)), seller=None, created_at=CREATED_AT)

    assert isinstance(written, Written)
    assert b"<Nazwa>Huta</Nazwa>" in written.xml


def test_what_the_invoice_says_of_its_seller_wins_over_master_data() -> None:
    seller = {"nip": "5265877635", "name": "Huta pod inną nazwą", "contacts": [{"phone": "1"}]}

    xml = xml_of(Invoice.model_validate(fields(seller=seller)))

    assert "<Nazwa>Huta pod inną nazwą</Nazwa>" in xml
    assert "<AdresL1>ul. Piecowa 7</AdresL1>" in xml
    assert "<Telefon>1</Telefon>" in xml


def test_master_data_of_another_company_are_a_mistake_of_the_caller() -> None:
    other = SellerDetails(nip="1111111111", name="Inna", address=SELLER.address)

    with pytest.raises(ValueError, match=r"master data of 1111111111 .* invoice of 5265877635"):
        write(Invoice.model_validate(fields()), seller=other, created_at=CREATED_AT)
