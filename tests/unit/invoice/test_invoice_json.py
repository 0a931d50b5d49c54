"""JSON is read exactly, or refused with its place."""

import json
from decimal import Decimal

import pytest

from contracts.invoice import read_invoice
from tests.support.invoice_samples import codes, fields, findings, invoice, line, raw

DOCUMENT = raw(fields())


def with_net(number: str) -> bytes:
    """The document with a JSON number as the net value of its line."""
    return DOCUMENT.replace(b'"100.00"', number.encode())


def test_numbers_keep_their_digits() -> None:
    read = invoice(DOCUMENT.replace(b'"net": "100.00"', b'"net_price": 1.10, "qty": 0.1'))

    assert str(read.lines[0].net_price) == "1.10"
    assert read.lines[0].qty == Decimal("0.1")


def test_digits_that_a_float_would_lose_are_kept() -> None:
    assert invoice(with_net("9007199254740993.01")).lines[0].net == Decimal("9007199254740993.01")


def test_amounts_may_be_texts_or_numbers() -> None:
    assert (
        invoice(with_net('"12.5"')).lines[0].net == invoice(with_net("12.5")).lines[0].net == Decimal("12.5")
    )


def test_an_exponent_is_read_without_loss() -> None:
    assert invoice(with_net("1.5e3")).lines[0].net == Decimal(1500)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert invoice(b"\xef\xbb\xbf" + DOCUMENT).number == "FV/1"


def test_a_document_beyond_the_limit_is_refused_unread() -> None:
    (finding,) = (read_invoice(DOCUMENT, most_bytes=len(DOCUMENT) - 1),)

    assert [one.code for one in finding] == ["C01"]
    assert read_invoice(DOCUMENT, most_bytes=len(DOCUMENT)) == invoice(DOCUMENT)


def test_another_code_page_is_refused() -> None:
    (finding,) = findings(json.dumps(fields(number="Żółć"), ensure_ascii=False).encode("cp1250"))

    assert finding.code == "C02"
    assert finding.place == "byte 49"


def test_utf_16_is_named() -> None:
    (finding,) = findings(DOCUMENT.decode().encode("utf-16"))

    assert (finding.code, "UTF-16" in finding.text) == ("C02", True)


@pytest.mark.parametrize("cut", [b"", b"{", DOCUMENT[:-1], DOCUMENT + b"x", b"{'model': 1}", b'{"a": 01}'])
def test_what_is_no_json_is_refused(cut: bytes) -> None:
    assert [finding.code for finding in findings(cut)] == ["C03"]


def test_a_syntax_error_is_named_by_line_and_column() -> None:
    (finding,) = findings(b'{\n  "model": "invoice/1",\n  "kind" "VAT"\n}')

    assert finding.place == "line 3, column 10"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    assert [finding.code for finding in findings(opening * 100_000)] == ["C04"]


def test_a_field_written_twice_is_refused_by_its_path() -> None:
    twice = DOCUMENT.replace(b'"rate": "23"', b'"rate": "23", "rate": "8"').replace(
        b'"kind": "VAT"', b'"kind": "KOR", "kind": "VAT"'
    )

    assert sorted(codes(twice)) == [("C05", "kind"), ("C05", "lines[0].rate")]


def test_a_field_written_twice_does_not_hide_other_problems() -> None:
    twice = DOCUMENT.replace(b'"kind": "VAT"', b'"kind": "VAT", "kind": "VAT", "number": ""')

    assert codes(twice) == [("C05", "kind"), ("C05", "number")]


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1" * 5000, "1e" + "9" * 30, "1e" + "9" * 70]
)
def test_what_is_no_number_is_refused_at_its_place(number: str) -> None:
    assert codes(with_net(number)) == [("C06", "lines[0].net")]


@pytest.mark.parametrize(
    "number",
    ["1e999999999", "0." + "1" * 5000, "-1e400", "1e-999999999", "12345678901234567", "1e99999999999999"],
)
def test_a_number_out_of_bounds_is_refused_without_being_spelt_out(number: str) -> None:
    assert codes(with_net(number)) == [("C16", "lines[0].net")]


@pytest.mark.parametrize("document", [[], "text", 1, None, True])
def test_what_is_no_object_is_refused(document: object) -> None:
    assert codes(document) == [("C12", None)]


def test_a_lone_surrogate_is_refused() -> None:
    assert codes(DOCUMENT.replace(b"FV/1", b"FV\\ud800")) == [("C19", "number")]


def test_a_lone_surrogate_in_a_name_can_be_reported() -> None:
    (finding,) = findings(DOCUMENT.replace(b'"kind"', b'"\\ud800": 1, "kind"'))

    assert finding.code == "C10"
    assert finding.text.encode()


def test_null_blank_and_missing_read_the_same() -> None:
    spelt_out = fields(
        issue_place=None, currency="", payment=None, delivery_notes=None, annotations={"margin": " "}
    )

    assert invoice(spelt_out) == invoice(fields())


def test_a_line_may_leave_everything_blank_but_its_name() -> None:
    read = invoice(line(unit="", qty=" ", annex15=None, state="", notes=None, po=None, gtu="", date=""))

    assert read == invoice(fields())
