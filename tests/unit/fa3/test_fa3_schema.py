"""The schema check: libxml2 judges, the finding explains."""

import threading
from typing import Any

import pytest

from contracts.findings import Finding
from fa3.checks import all_schema_findings, schema_findings
from fa3.schema import compiled, violations_of
from fa3.versions import FA3
from tests.support.fa3_samples import LINE, invoice, parsed, xml_of

BLACHA = {"name": "Blacha", "unit": "kg", "qty": "1", "net_price": "1", "rate": "8"}
MADE: dict[str, Any] = {
    "delivery_notes": ["WZ/881"],
    "lines": [LINE, BLACHA],
    "third_parties": [
        {"nip": "1111111111", "role": 2, "contacts": [{"email": "a@b.example"}, {"email": "c@d.example"}]}
    ],
    "payment": {"accounts": [{"number": "73111111111111111111111111"}]},
}
XML = xml_of(invoice(**MADE))
MANY_LINES = XML.replace("><", ">\n<")


def changed(old: str, new: str, *, xml: str = XML) -> str:
    assert old in xml
    return xml.replace(old, new)


def finding_for(xml: str) -> Finding:
    """The only finding for an invalid document."""
    (finding,) = schema_findings(parsed(xml.encode()))
    return finding


def test_a_valid_document_has_no_findings() -> None:
    document = parsed(XML.encode())

    assert schema_findings(document) == ()
    assert all_schema_findings(document) == ()


AMOUNT = "an amount with at most 16 digits before and 2 after the point, such as 1234.56"

WRONG: list[tuple[str, str, str, str, str | None]] = [
    (
        "<P_11>100.00</P_11><P_12>23<",
        "<P_11>100.00</P_11><P_12>23%<",
        "Fa/FaWiersz[1]/P_12 is not 23, 22, 8, 7, 5, 4, 3, 0 KR, 0 WDT, 0 EX, zw, oo, np I or np II: 23%",
        "Fa/FaWiersz[1]/P_12",
        "lines[0].rate",
    ),
    (
        "<P_8B>1<",
        "<P_8B>1.1234567<",
        "Fa/FaWiersz[2]/P_8B has more digits than fit: 1.1234567",
        "Fa/FaWiersz[2]/P_8B",
        "lines[1].qty",
    ),
    (
        "<KodWaluty>PLN<",
        "<KodWaluty>SLE<",
        "Fa/KodWaluty is none of the 182 allowed values: SLE",
        "Fa/KodWaluty",
        "currency",
    ),
    (
        "<P_15>124.08<",
        "<P_15>124,08<",
        f"Fa/P_15 is not {AMOUNT}: 124,08",
        "Fa/P_15",
        "totals.gross",
    ),
    (
        "<P_15>124.08<",
        "<P_15>0124.08<",
        f"Fa/P_15 is not {AMOUNT}: 0124.08",
        "Fa/P_15",
        "totals.gross",
    ),
    (
        "<P_7>Blacha<",
        "<P_7>" + "x" * 513 + "<",
        "Fa/FaWiersz[2]/P_7 is longer than 512 characters: " + "x" * 80 + "…",
        "Fa/FaWiersz[2]/P_7",
        "lines[1].name",
    ),
    (
        "<P_7>Blacha<",
        "<P_7> <",
        "Fa/FaWiersz[2]/P_7 is empty or too short.",
        "Fa/FaWiersz[2]/P_7",
        "lines[1].name",
    ),
    (
        "<P_1>2026-11-20<",
        "<P_1>2026-02-30<",
        "Fa/P_1 is not a day written as YYYY-MM-DD: 2026-02-30",
        "Fa/P_1",
        "issue_date",
    ),
    (
        "<P_1>2026-11-20<",
        "<P_1>2026-11-20Z<",
        "Fa/P_1 is not a day written as YYYY-MM-DD: 2026-11-20Z",
        "Fa/P_1",
        "issue_date",
    ),
    (
        "<P_1>2026-11-20<",
        "<P_1>2005-12-31<",
        "Fa/P_1 is below 2006-01-01, the least allowed: 2005-12-31",
        "Fa/P_1",
        "issue_date",
    ),
    (
        "<P_1>2026-11-20<",
        "<P_1>2050-01-02<",
        "Fa/P_1 is above 2050-01-01, the most allowed: 2050-01-02",
        "Fa/P_1",
        "issue_date",
    ),
    (
        "<Podmiot1><DaneIdentyfikacyjne><NIP>5265877635<",
        "<Podmiot1><DaneIdentyfikacyjne><NIP>PL5265877635<",
        "Podmiot1/DaneIdentyfikacyjne/NIP is not a NIP: ten digits: PL5265877635",
        "Podmiot1/DaneIdentyfikacyjne/NIP",
        "seller.nip",
    ),
    (
        "<Email>c@d.example<",
        "<Email>cd.example<",
        "Podmiot3/DaneKontaktowe[2]/Email is not an e-mail address: cd.example",
        "Podmiot3/DaneKontaktowe[2]/Email",
        "third_parties[0].contacts[1].email",
    ),
    (
        "<P_16>2<",
        "<P_16>3<",
        "Fa/Adnotacje/P_16 is not 1 or 2: 3",
        "Fa/Adnotacje/P_16",
        "annotations.cash_method",
    ),
    (
        "<NrRB>73111111111111111111111111<",
        "<NrRB>7311<",
        "Fa/Platnosc/RachunekBankowy/NrRB is empty or too short: 7311",
        "Fa/Platnosc/RachunekBankowy/NrRB",
        "payment.accounts[0].number",
    ),
    ("<P_2>FV/11/2026/7</P_2>", "", "Fa/WZ is not expected here, but P_1M or P_2.", "Fa/WZ", "number"),
    ("<GV>2</GV>", "", "Podmiot2 lacks GV.", "Podmiot2", "buyer.vat_group"),
    ("<P_2>", "<P_9>1</P_9><P_2>", "Fa/P_9 is not expected here, but P_1M or P_2.", "Fa/P_9", "number"),
    ("<P_2>", '<x:y xmlns:x="urn:x"/><P_2>', "Fa/y is not expected here, but P_1M or P_2.", "Fa/y", "number"),
    (
        "<Podmiot1>",
        "<Podmiot1><PrefiksPodatnika>DE</PrefiksPodatnika>",
        "Podmiot1/PrefiksPodatnika is not PL: DE",
        "Podmiot1/PrefiksPodatnika",
        "seller.eu_prefix",
    ),
    ("<P_2>FV", "<P_2><b/>FV", "Fa/P_2 holds elements instead of a value.", "Fa/P_2", "number"),
    ("<Adnotacje>", "<Adnotacje>x", "Fa/Adnotacje holds text beside its elements.", "Fa/Adnotacje", None),
    (
        ' wersjaSchemy="1-0E"',
        "",
        "Naglowek/KodFormularza has a wrong attribute: The attribute 'wersjaSchemy' is required but missing.",
        "Naglowek/KodFormularza",
        None,
    ),
    (
        "<DataWytworzeniaFa>2026",
        "<DataWytworzeniaFa>2024",
        "Naglowek/DataWytworzeniaFa is below 2025-09-01T00:00:00Z, the least allowed: 2024-11-20T09:15:00Z",
        "Naglowek/DataWytworzeniaFa",
        "source.created_at",
    ),
]


@pytest.mark.parametrize(("old", "new", "text", "path", "field"), WRONG)
def test_a_violation_is_told_plainly_with_path_and_field(
    old: str, new: str, text: str, path: str, field: str | None
) -> None:
    finding = finding_for(changed(old, new))

    assert (finding.code, finding.text, finding.fa3_path, finding.field) == ("K04", text, path, field)
    assert "crd.gov.pl" not in finding.text


@pytest.mark.parametrize(
    ("old", "new", "next_step"),
    [
        ("<P_2>FV/11/2026/7</P_2>", "", "Add P_2 before it."),
        ("<P_2>", "<P_9>1</P_9><P_2>", "Remove the element."),
        (
            "<P_1>2026-11-20</P_1><P_2>FV/11/2026/7</P_2>",
            "<P_2>FV/11/2026/7</P_2><WZ>1</WZ><P_1>2026-11-20</P_1>",
            "Move P_1 before it.",
        ),
    ],
)
def test_disorder_comes_with_the_way_to_order(old: str, new: str, next_step: str) -> None:
    assert finding_for(changed(old, new)).next_step == next_step


def test_a_violation_names_its_line_in_a_document_of_many_lines() -> None:
    line = MANY_LINES[: MANY_LINES.index("<P_15>")].count("\n") + 1

    assert finding_for(changed("<P_15>", "<P_15>x", xml=MANY_LINES)).place == f"line {line}"
    assert finding_for(changed("<P_15>", "<P_15>x")).place is None


def test_the_allowed_values_are_listed_but_not_without_end() -> None:
    finding = finding_for(changed("<KodWaluty>PLN<", "<KodWaluty>SLE<"))

    assert finding.allowed[:3] == ("AED", "AFN", "ALL")
    assert len(finding.allowed) == 30


def test_prefixes_do_not_disturb_the_path() -> None:
    prefixed = changed("<P_15>124.08<", "<P_15>x<").replace("xmlns=", "xmlns:t=").replace("</", "</t:")
    prefixed = prefixed.replace("<", "<t:").replace("<t:/t:", "</t:").replace("<t:?", "<?")

    assert finding_for(prefixed).fa3_path == "Fa/P_15"


def test_only_the_first_violation_of_an_element_is_told() -> None:
    assert len(violations_of(parsed(changed("<P_15>124.08<", "<P_15>1.234<").encode()))) == 1


HIDING = (
    changed("<P_2>FV/11/2026/7</P_2>", "").replace("<P_16>2<", "<P_16>4<").replace("<P_8A>kg<", "<P_8A> <")
)


def test_what_a_structural_violation_hides_is_found_by_the_second_opinion() -> None:
    document = parsed(HIDING.encode())

    assert [one.fa3_path for one in schema_findings(document)] == ["Fa/WZ"]
    assert [(one.fa3_path, one.text) for one in all_schema_findings(document)] == [
        ("Fa/WZ", "Fa/WZ is not expected here, but P_1M or P_2."),
        ("Fa/Adnotacje/P_16", "Fa/Adnotacje/P_16 is not 1 or 2: 4"),
        ("Fa/FaWiersz[2]/P_8A", "Fa/FaWiersz[2]/P_8A is empty or too short."),
    ]


def test_the_second_opinion_is_not_asked_when_nothing_is_hidden() -> None:
    document = parsed(changed("<P_16>2<", "<P_16>4<").encode())

    assert all_schema_findings(document) == schema_findings(document)


def test_the_second_opinion_tells_of_disorder_elsewhere() -> None:
    document = parsed(
        HIDING.replace("<P_17>2</P_17>", "").replace("<P_23>2</P_23>", "<P_23>2</P_23><Obcy/>").encode()
    )

    assert [one.fa3_path for one in all_schema_findings(document)] == [
        "Fa/WZ",
        "Fa/Adnotacje/P_16",
        "Fa/Adnotacje/P_18",
        "Fa/Adnotacje/Obcy",
        "Fa/FaWiersz[2]/P_8A",
    ]


def test_no_more_than_twenty_findings_are_given() -> None:
    document = parsed(xml_of(invoice(lines=[LINE] * 30)).replace("<P_12>23<", "<P_12>24<").encode())
    disordered = parsed(
        xml_of(invoice(lines=[LINE] * 30))
        .replace("<P_12>23<", "<P_12>24<")
        .replace("<P_2>", "<P_9/><P_2>")
        .encode()
    )

    assert len(all_schema_findings(document)) == 20
    assert len(all_schema_findings(disordered)) == 20


def test_each_thread_has_a_schema_of_its_own() -> None:
    own = compiled(FA3)
    others: list[object] = []
    thread = threading.Thread(target=lambda: others.append(compiled(FA3)))
    thread.start()
    thread.join()

    assert compiled(FA3) is own
    assert others[0] is not own


def test_threads_that_parse_do_not_keep_others_from_compiling() -> None:
    made: list[object] = []

    def parse_and_compile() -> None:
        for _ in range(50):
            parsed(XML.encode())
        made.append(compiled(FA3))

    threads = [threading.Thread(target=parse_and_compile) for _ in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert len(made) == 20


def test_threads_do_not_mix_up_each_others_findings() -> None:
    wrong = {
        "Fa/P_15": changed("<P_15>124.08<", "<P_15>x<"),
        "Fa/P_1": changed("<P_1>2026-11-20<", "<P_1>x<"),
        "Fa/FaWiersz[2]/P_8B": changed("<P_8B>1<", "<P_8B>x<"),
    }
    mixed_up: list[tuple[str, str | None]] = []

    def check(path: str, xml: str) -> None:
        for _ in range(200):
            found = finding_for(xml).fa3_path
            if found != path:
                mixed_up.append((path, found))

    threads = [threading.Thread(target=check, args=case) for case in wrong.items()]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert mixed_up == []
