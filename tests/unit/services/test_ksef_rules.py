"""What KSeF refuses is refused before sending: for each rule a document that passes and one that does not.

K09, the number that was used before, is decided at admission: see ``tests/integration/test_validator.py``.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from contracts.findings import Finding
from services.validator.checking import check
from tests.support.fa3_samples import invoice, xml_of
from tests.support.languages import in_both

# 23:30 in Warsaw: still the day of issue there.
NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
PLAIN = xml_of(
    invoice(
        number="FV/11/2026/7",
        issue_date="2026-11-20",
        third_parties=[{"nip": "1111111111", "role": 2}, {"internal_id": "1111111111-00012", "role": 8}],
    )
)
XML = PLAIN.replace("><", ">\n<")


class Refused(NamedTuple):
    """A change to the document, and what is said about it."""

    code: str
    change: tuple[str, bytes]
    field: str | None
    path: str | None
    place: str | None
    text: str
    text_pl: str


REFUSED = [
    Refused(
        "K01",
        ("<?xml", b"\xef\xbb\xbf<?xml"),
        None,
        None,
        "line 1, column 1",
        "The document begins with a UTF-8 byte order mark.",
        "Dokument zaczyna się znacznikiem kolejności bajtów UTF-8.",
    ),
    Refused(
        "K02",
        ("<P_2>FV", b"<P_2>\xb3FV"),
        None,
        None,
        "line 47, column 6",
        "The document is not UTF-8: byte 1053 is 0xb3.",
        "Dokument nie jest w UTF-8: bajt 1053 to 0xb3.",
    ),
    Refused(
        "K03",
        ("<P_2>FV", b"<P_2>&#x92;FV"),
        "number",
        "Fa/P_2",
        None,
        "The document holds the character U+0092, which KSeF refuses.",
        "Dokument zawiera znak U+0092, którego KSeF nie przyjmuje.",
    ),
    Refused(
        "K04",
        ("<P_15>", b"<P_15>x"),
        "totals.gross",
        "Fa/P_15",
        "line 50",
        "Fa/P_15 is not an amount with at most 16 digits before and 2 after the point, such as 1234.56: "
        "x123.00",
        "Fa/P_15 ma złą postać, oczekiwane: kwota mająca najwyżej 16 cyfr przed kropką i 2 po niej, "
        "np. 1234.56: x123.00",
    ),
    Refused(
        "K05",
        ("</Faktura>", b" " * 1_000_000 + b"</Faktura>"),
        None,
        None,
        None,
        "The document has 1,001,557 bytes, KSeF takes 1,000,000.",
        "Dokument ma bajtów: 1001557, a KSeF przyjmuje najwyżej 1000000.",
    ),
    Refused(
        "K06",
        ("<P_1>2026-11-20", b"<P_1>2026-11-21"),
        "issue_date",
        "Fa/P_1",
        "line 46",
        "The day of issue 2026-11-21 is in the future: today is 2026-11-20.",
        "Data wystawienia 2026-11-21 jest późniejsza niż dzisiejsza: 2026-11-20.",
    ),
    Refused(
        "K07",
        ("<NIP>5265877635", b"<NIP>5265877636"),
        "seller.nip",
        "Podmiot1/DaneIdentyfikacyjne/NIP",
        "line 11",
        "Podmiot1/DaneIdentyfikacyjne/NIP is not a NIP: its check digit is wrong: 5265877636",
        "Podmiot1/DaneIdentyfikacyjne/NIP nie jest numerem NIP, błędna cyfra kontrolna: 5265877636",
    ),
    Refused(
        "K08",
        ("<IDWew>1111111111", b"<IDWew>1111111112"),
        "third_parties[1].internal_id",
        "Podmiot3[2]/DaneIdentyfikacyjne/IDWew",
        "line 40",
        "Podmiot3[2]/DaneIdentyfikacyjne/IDWew does not begin with a NIP: its check digit is wrong: "
        "1111111112-00012",
        "Podmiot3[2]/DaneIdentyfikacyjne/IDWew nie zaczyna się numerem NIP, błędna cyfra kontrolna: "
        "1111111112-00012",
    ),
]


def checked(xml: bytes) -> tuple[Finding, ...]:
    return in_both(check(xml, NOW, False, nip_severity="error"))


def test_a_document_that_ksef_takes_passes() -> None:
    assert checked(XML.encode()) == ()


@pytest.mark.parametrize("wrong", REFUSED, ids=lambda wrong: wrong.code)
def test_what_ksef_refuses_is_refused_with_its_place_and_in_both_languages(wrong: Refused) -> None:
    old, new = wrong.change
    assert XML.count(old) == 1, "the change is meant for one place"

    (finding,) = checked(XML.encode().replace(old.encode(), new))

    assert finding.code == wrong.code
    assert (finding.field, finding.fa3_path, finding.place) == (wrong.field, wrong.path, wrong.place)
    assert (finding.text, finding.text_pl) == (wrong.text, wrong.text_pl)


def test_wrong_check_digits_are_warnings_where_ksef_takes_them() -> None:
    wrong = XML.replace("<NIP>5265877635", "<NIP>5265877636").replace(
        "<IDWew>1111111111", "<IDWew>1111111112"
    )

    found = check(wrong.encode(), NOW, False, nip_severity="warning")

    assert [(one.code, one.severity) for one in found] == [("K07", "warning"), ("K08", "warning")]


def test_an_internal_id_of_another_form_is_left_to_the_schema() -> None:
    (finding,) = checked(XML.encode().replace(b"<IDWew>1111111111-00012", b"<IDWew>12"))

    assert finding.code == "K04"
