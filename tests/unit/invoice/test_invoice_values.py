"""What a single value of the canonical invoice may be."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from contracts.invoice import Invoice
from tests.support.invoice_samples import codes, fields, invoice, line


def test_texts_are_stripped_and_their_white_space_collapsed() -> None:
    assert invoice(fields(number="  FV \t 1\n/2\u00a0 ")).number == "FV 1 /2"


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0", "\u200b", " \ufeff "])
def test_a_required_text_must_not_be_blank(blank: str) -> None:
    assert codes(fields(number=blank)) == [("C11", "number")]


def test_a_zero_width_character_within_a_text_is_no_reason_to_refuse_it() -> None:
    assert invoice(fields(number="FV\u200b1")).number == "FV\u200b1"


def test_lengths_are_counted_after_collapsing() -> None:
    assert invoice(fields(number="a" + " " * 300 + "b" * 254)).number == "a " + "b" * 254


def test_a_text_one_character_too_long_is_refused() -> None:
    assert codes(fields(number="a" * 257)) == [("C13", "number")]
    assert invoice(fields(number="a" * 256)).number == "a" * 256


@pytest.mark.parametrize(
    "character",
    ["\x00", "\x08", "\x1f", "\x7f", "\x84", "\x86", "\x9f", "\ufdd0", "\ufffe", "\U0001fffe", "\U0010ffff"],
)
def test_characters_that_xml_or_ksef_refuse_are_refused(character: str) -> None:
    assert codes(fields(number=f"FV{character}1")) == [("C19", "number")]


@pytest.mark.parametrize("character", ["ż", "\u20ac", "\U0001f600", "\ufffd", "'", '"', "&", "<"])
def test_other_characters_pass(character: str) -> None:
    assert invoice(fields(number=f"FV{character}1")).number == f"FV{character}1"


def test_a_text_is_no_number() -> None:
    assert codes(fields(number=7)) == [("C12", "number")]


def test_an_identifier_of_the_erp_may_be_a_number() -> None:
    read = invoice(fields(source={"document_id": 90001234, "revision": 2}))

    assert read.source is not None
    assert (read.source.document_id, read.source.revision) == ("90001234", "2")


@pytest.mark.parametrize(
    "written", ["1,5", "1 000", "+1", ".5", "1.", "1e3", "0x1", "1_000", "٣", "12-", "--1", "1.2.3"]
)
def test_an_amount_in_another_notation_is_refused(written: str) -> None:
    assert codes(line(net=written)) == [("C16", "lines[0].net")]


@pytest.mark.parametrize(
    ("written", "expected"),
    [("-1.5", "-1.5"), (" 7 ", "7"), ("007", "7"), ("10.5000", "10.50"), (12, "12"), ("-0", "-0")],
)
def test_an_amount_in_digits_is_read(written: object, expected: str) -> None:
    assert str(invoice(line(net=written)).lines[0].net) == expected


def test_more_decimals_than_fit_are_refused_not_rounded() -> None:
    assert codes(line(net="1.005")) == [("C16", "lines[0].net")]
    assert codes(line(qty="0.1234567")) == [("C16", "lines[0].qty")]
    assert codes(line(net_price="0.123456789", net=None)) == [("C16", "lines[0].net_price")]


def test_more_digits_than_fit_are_refused() -> None:
    assert codes(line(net="1" + "0" * 16)) == [("C16", "lines[0].net")]
    assert invoice(line(net="9" * 16 + ".99")).lines[0].net == Decimal("9999999999999999.99")


@pytest.mark.parametrize("value", [True, [], {}, ["1"]])
def test_an_amount_is_a_number_or_a_text(value: object) -> None:
    assert codes(line(net=value)) == [("C16", "lines[0].net")]


def test_a_day_is_a_day_without_time() -> None:
    assert invoice(fields(issue_date="2026-02-28")).issue_date == date(2026, 2, 28)
    assert codes(fields(issue_date="2026-02-28T00:00:00")) == [("C17", "issue_date")]
    assert codes(fields(issue_date="28.02.2026")) == [("C17", "issue_date")]
    assert codes(fields(issue_date=20260228)) == [("C17", "issue_date")]


def test_a_day_must_be_in_the_calendar() -> None:
    assert codes(fields(issue_date="2026-02-29")) == [("C17", "issue_date")]


def test_a_point_in_time_needs_an_offset_and_is_kept_in_utc() -> None:
    read = invoice(fields(source={"created_at": "2026-11-20T10:15:00.5+01:00"}))

    assert read.source is not None
    assert read.source.created_at == datetime(2026, 11, 20, 9, 15, 0, 500000, tzinfo=UTC)
    assert codes(fields(source={"created_at": "2026-11-20T10:15:00"})) == [("C17", "source.created_at")]


@pytest.mark.parametrize(("written", "code"), [("23", "23"), (23, "23"), (" np  I ", "np I"), ("zw", "zw")])
def test_a_rate_is_a_code_or_a_percentage(written: object, code: str) -> None:
    assert invoice(line(rate=written)).lines[0].rate == code


@pytest.mark.parametrize("written", ["0", 0, "0%", "23%", "np", "ZW", "08", True, "23.0"])
def test_what_leaves_the_rate_open_is_refused(written: object) -> None:
    assert codes(line(rate=written)) == [("C15", "lines[0].rate")]


def test_a_foreign_rate_is_an_object() -> None:
    assert codes(line(rate={"oss": "x"})) == [("C16", "lines[0].rate.oss")]
    assert str(invoice(line(rate={"oss": 19})).lines[0].rate) == "oss=Decimal('19')"


def test_a_payment_method_is_a_code_or_described() -> None:
    assert codes(fields(payment={"method": "wire"})) == [("C15", "payment.method")]
    assert codes(fields(payment={"method": {"other": ""}})) == [("C11", "payment.method.other")]
    assert invoice(fields(payment={"method": {"other": "weksel"}})).payment is not None


def test_an_account_number_loses_its_blanks() -> None:
    read = invoice(fields(payment={"accounts": [{"number": "PL73 1111 1111 1111 1111 1111 1111"}]}))

    assert read.payment is not None
    assert read.payment.accounts[0].number == "PL73111111111111111111111111"


def test_a_footer_keeps_its_line_breaks() -> None:
    read = invoice(fields(footer={"texts": [" Dziękujemy.\r\nZapraszamy.\r "]}))

    assert read.footer is not None
    assert read.footer.texts == ("Dziękujemy.\nZapraszamy.",)


@pytest.mark.parametrize("value", ["yes", 1, "true"])
def test_a_flag_is_true_or_false(value: object) -> None:
    assert codes(fields(flags={"receipt": value})) == [("C12", "flags.receipt")]


def test_auto_is_allowed_where_lines_can_decide() -> None:
    assert invoice(fields(annotations={"split_payment": "auto"})).annotations.split_payment == "auto"
    assert codes(fields(annotations={"split_payment": "maybe"})) == [("C15", "annotations.split_payment")]
    assert codes(fields(annotations={"cash_method": "auto"})) == [("C12", "annotations.cash_method")]


def test_an_invoice_is_frozen() -> None:
    read = invoice(fields())

    with pytest.raises(ValueError, match="frozen"):
        read.number = "FV/2"


def test_an_invoice_survives_its_own_json() -> None:
    read = invoice(line(net=None, net_price="0.00000001", qty="1000", date="2026-11-01"))

    assert Invoice.model_validate_json(read.model_dump_json(by_alias=True)) == read


def test_a_float_is_refused_even_from_python() -> None:
    with pytest.raises(ValueError, match="is not a number"):
        Invoice.model_validate(line(net=1.5))


def test_an_error_that_escapes_does_not_print_the_document() -> None:
    with pytest.raises(ValueError, match="is blank") as caught:
        Invoice.model_validate(fields(number=" ", buyer={"nip": "1111111111", "name": "Tajny Odbiorca"}))

    assert "Tajny" not in str(caught.value)
