"""Rules that no schema states, each with something it must refuse."""

from datetime import date

import pytest

from contracts.findings import Finding
from fa3.blocking import blocking, blocks
from fa3.checks import schema_findings
from fa3.identifiers import is_nip
from fa3.lengths import length_findings
from fa3.rules import issue_date_finding, nip_findings
from tests.support.fa3_samples import LINE, codes_of, document_of, invoice, parsed, xml_of

PERSON = {"name": "X", "address": {"country": "PL", "line1": "Y"}}


@pytest.mark.parametrize("nip", ["5265877635", "1111111111", "9999999999", "5555555555"])
def test_a_nip_with_the_right_check_digit_passes(nip: str) -> None:
    assert is_nip(nip)


@pytest.mark.parametrize(
    "nip", ["1234567890", "5265877636", "526587763", "52658776355", "526587763X", "٥٢٦٥٨٧٧٦٣٥", ""]
)
def test_a_nip_with_a_wrong_check_digit_or_form_does_not(nip: str) -> None:
    assert not is_nip(nip)


def test_a_remainder_of_ten_is_never_a_check_digit() -> None:
    # 6*1 + 5*0 + 7*0 + 2*0 + 3*0 + 4*1 = 10
    assert [digit for digit in range(10) if is_nip(f"100001000{digit}")] == []


def test_wrong_check_digits_are_found_in_every_party() -> None:
    wrong = invoice(
        buyer={"nip": "1234567890"},
        third_parties=[{"nip": "1111111111", "role": 2}, {"nip": "5265877636", "role": 4}],
        authorised={"nip": "1234567890", "role": 3, **PERSON},
    )

    found = tuple(nip_findings(document_of(wrong), severity="error"))

    assert codes_of(found) == [
        ("K07", "buyer.nip"),
        ("K07", "third_parties[1].nip"),
        ("K07", "authorised.nip"),
    ]
    assert found[1].fa3_path == "Podmiot3[2]/DaneIdentyfikacyjne/NIP"
    assert found[1].value == "5265877636"


def test_right_check_digits_are_no_finding() -> None:
    assert list(nip_findings(document_of(invoice()), severity="error")) == []


def test_the_severity_of_a_wrong_check_digit_is_the_callers() -> None:
    (finding,) = nip_findings(document_of(invoice(buyer={"nip": "1234567890"})), severity="warning")

    assert not blocks(finding)


def test_a_day_of_issue_in_the_future_is_refused() -> None:
    found = document_of(invoice(issue_date="2026-11-20"))

    assert issue_date_finding(found, accepted_on=date(2026, 11, 20)) is None
    assert issue_date_finding(found, accepted_on=date(2036, 1, 1)) is None
    finding = issue_date_finding(found, accepted_on=date(2026, 11, 19))
    assert finding is not None
    assert (finding.code, finding.field, finding.value) == ("K06", "issue_date", "2026-11-20")


def test_a_day_of_issue_that_cannot_be_read_is_left_to_the_schema() -> None:
    xml = xml_of(invoice()).replace("<P_1>2026-11-20<", "<P_1>20.11.2026<")

    assert issue_date_finding(parsed(xml.encode()), accepted_on=date(2026, 1, 1)) is None


def test_an_emoji_counts_twice() -> None:
    fits = document_of(invoice(number="😀" * 128))
    exceeds = document_of(invoice(number="😀" * 128 + "x", lines=[LINE | {"name": "😀" * 257}]))

    assert list(length_findings(fits)) == []
    assert schema_findings(exceeds) == ()
    assert codes_of(tuple(length_findings(exceeds))) == [("E35", "number"), ("E35", "lines[0].name")]


def test_the_length_of_plain_text_is_the_schemas_business() -> None:
    assert list(length_findings(document_of(invoice(number="ż" * 256)))) == []


def test_errors_block_and_warnings_do_not() -> None:
    error = Finding(code="K07", text="wrong")
    warning = Finding(code="W01", severity="warning", text="odd")

    assert blocking([warning, error]) == (error,)
