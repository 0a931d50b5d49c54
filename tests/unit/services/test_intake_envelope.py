"""What intake reads of a record: how many documents, whose, under which ids."""

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.sales import DocumentFormat
from services.intake.envelope import split

FA3 = """<?xml version="1.0"?><Faktura xmlns="http://crd.gov.pl/wzor/2025/06/25/13775/">
<Podmiot1><DaneIdentyfikacyjne><NIP>7010000117</NIP></DaneIdentyfikacyjne></Podmiot1>
<Podmiot2><DaneIdentyfikacyjne><NIP>8100000558</NIP></DaneIdentyfikacyjne></Podmiot2>
<Fa><P_2>FV/1</P_2><Adnotacje><P_17>{self_billing}</P_17></Adnotacje><RodzajFaktury>VAT</RodzajFaktury></Fa>
</Faktura>"""


def document(**fields: object) -> bytes:
    content: dict[str, object] = {"model": "invoice/1", "seller": {"nip": "7010000117"}}
    return json.dumps(content | fields).encode()


def codes(raw: bytes) -> list[str | None]:
    found = split(raw, source="erp", ce_id=None)
    return [candidate.finding and candidate.finding.code for candidate in found]


def test_an_object_is_one_document_with_the_bytes_as_published() -> None:
    raw = b'\n {"model": "invoice/1",\t"seller": {"nip": "7010000117"}} '

    (candidate,) = split(raw, source="erp", ce_id="E-1")

    assert candidate.raw == raw
    assert candidate.format is DocumentFormat.INVOICE_JSON
    assert candidate.company_nip == "7010000117"
    assert candidate.finding is None
    assert candidate.place is None


def test_the_document_id_follows_from_source_id_and_revision() -> None:
    raw = document(source={"document_id": "0090000001", "revision": "2"})

    (candidate,) = split(raw, source="sap-north", ce_id=None)

    assert candidate.erp_document_id == "0090000001"
    assert candidate.revision == "2"
    assert candidate.document_id == UUID("c4399a54-01f1-5819-878e-24071e591706")


def test_the_header_names_the_document_before_the_body_does() -> None:
    (candidate,) = split(document(source={"document_id": "body"}), source="erp", ce_id="header")

    assert candidate.erp_document_id == "header"


def test_a_document_that_nobody_named_is_named_by_its_bytes() -> None:
    (candidate,) = split(FA3.format(self_billing=2).encode(), source="erp", ce_id=None)

    assert candidate.erp_document_id.startswith("sha256:")
    assert len(candidate.erp_document_id) == len("sha256:") + 64


def test_an_array_is_as_many_documents_each_with_its_own_bytes_and_place() -> None:
    first, second = document(number="1"), document(number="2")

    candidates = split(b"[" + first + b", " + second + b"]", source="erp", ce_id="one id for two")

    assert [candidate.raw for candidate in candidates] == [first, second]
    assert [candidate.place for candidate in candidates] == ["document 1", "document 2"]
    assert len({candidate.document_id for candidate in candidates}) == 2


def test_one_bad_element_of_an_array_costs_the_others_nothing() -> None:
    assert codes(b"[" + document(number="1") + b', "text", ' + document(number="3") + b"]") == [
        None,
        "I03",
        None,
    ]


def test_the_issuer_of_a_self_billed_document_is_its_buyer() -> None:
    raw = document(buyer={"nip": "7030000333"}, annotations={"self_billing": True})

    (candidate,) = split(raw, source="erp", ce_id=None)

    assert candidate.company_nip == "7030000333"


def test_ready_xml_says_whose_it_is() -> None:
    (own,) = split(FA3.format(self_billing=2).encode(), source="erp", ce_id=None)
    (self_billed,) = split(FA3.format(self_billing=1).encode(), source="erp", ce_id=None)

    assert own.format is DocumentFormat.FA3_XML
    assert own.company_nip == "7010000117"
    assert self_billed.company_nip == "8100000558"


def test_what_is_no_document_is_refused_with_a_reason_and_never_raises() -> None:
    assert codes(b"") == ["I01"]
    assert codes(b"hello") == ["I01"]
    assert codes(b"[]") == ["I01"]
    assert codes(b'{"model": "invoice/1"') == ["I02"]
    assert codes(b"[1, 2") == ["I02"]
    assert codes(b'{"model": "invoice/1", "seller": []}') == ["I03"]
    assert codes(document(model="invoice/2")) == ["I04"]
    assert codes(b"{}") == ["I04"]
    assert codes(b"<Faktura") == ["K01"]
    assert codes(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>') == ["K01"]


@pytest.mark.parametrize("ce_id", ["x" * 300, "nul \x00", "line\nbreak", "tab\t", "not UTF-8 \ufffd"])
def test_an_id_that_cannot_be_a_name_is_refused_under_the_id_of_its_bytes(ce_id: str) -> None:
    (candidate,) = split(document(), source="erp", ce_id=ce_id)

    assert candidate.finding is not None
    assert candidate.finding.code == "I05"
    assert candidate.erp_document_id.startswith("sha256:")


@pytest.mark.parametrize("raw", [b'{"a":' * 100_000, b"[" * 100_000, b"<a>" * 100_000])
def test_nesting_without_end_is_refused(raw: bytes) -> None:
    (candidate,) = split(raw, source="erp", ce_id=None)

    assert candidate.finding is not None
    assert candidate.finding.code in {"I02", "K01"}


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    assert split(raw, source="erp", ce_id=None)


@given(
    st.binary(max_size=50),
    st.sampled_from([b"{", b"[{", b"<", b'{"model": "invoice/1", "seller": {"nip": "']),
)
def test_nothing_that_begins_like_a_document_makes_it_raise(raw: bytes, head: bytes) -> None:
    assert split(head + raw, source="erp", ce_id=None)


def test_whole_numbers_are_ids_too() -> None:
    (candidate,) = split(document(source={"document_id": 17, "revision": 2}), source="erp", ce_id=None)

    assert (candidate.erp_document_id, candidate.revision) == ("17", "2")


def test_anything_else_where_an_id_should_be_is_left_to_the_mapper() -> None:
    (candidate,) = split(document(source={"document_id": [17]}), source="erp", ce_id=None)

    assert candidate.erp_document_id.startswith("sha256:")
    assert candidate.finding is None
