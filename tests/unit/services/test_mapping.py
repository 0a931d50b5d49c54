"""From what a source published to FA(3)."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.config_files import read_config
from contracts.sales import DocumentFormat
from services.mapper.mapping import Mapping, map_document
from services.validator.checking import check

SAMPLES = Path(__file__).parents[3] / "samples"
COMPANIES = read_config(SAMPLES / "config").companies
AT = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
INVOICE = {
    "model": "invoice/1",
    "kind": "VAT",
    "number": "FV/1",
    "issue_date": "2026-11-02",
    "source": {"document_id": "1"},
    "seller": {"nip": "7010000117"},
    "buyer": {
        "nip": "8100000558",
        "name": "Odbiornik Polny",
        "address": {"country": "PL", "line1": "Łąkowa 5"},
    },
    "lines": [{"name": "Usługa", "qty": "2", "net_price": "10", "rate": "23"}],
}


def mapped(**changes: object) -> Mapping:
    raw = json.dumps(INVOICE | changes).encode()
    mapping = map_document(raw, format_=DocumentFormat.INVOICE_JSON, created_at=AT, companies=COMPANIES)
    assert isinstance(mapping, Mapping)
    return mapping


def test_the_seller_is_completed_from_the_companys_configuration() -> None:
    assert b"<Nazwa>Huta Bursztyn sp. z o.o.</Nazwa>" in mapped().xml


def test_the_facts_are_those_of_the_xml() -> None:
    facts = mapped().facts

    assert (facts.seller_nip, facts.kind, facts.number) == ("7010000117", "VAT", "FV/1")
    assert (facts.gross, facts.currency) == ("24.60", "PLN")


def test_the_same_revision_gives_the_same_bytes() -> None:
    assert mapped() == mapped()


def test_a_trailing_zero_or_another_order_of_fields_is_the_same_content() -> None:
    turned = dict(reversed(list(INVOICE.items())))
    turned["lines"] = [{"rate": "23", "qty": "2.0", "net_price": "10.00", "name": "Usługa"}]

    assert mapped(**turned).content_hash == mapped().content_hash


def test_where_it_comes_from_is_no_part_of_the_content() -> None:
    assert mapped(source={"document_id": "2"}).content_hash == mapped().content_hash


def test_another_price_is_another_content() -> None:
    lines = [{"name": "Usługa", "qty": "2", "net_price": "11", "rate": "23"}]

    assert mapped(lines=lines).content_hash != mapped().content_hash


def test_ready_xml_is_passed_on_byte_for_byte() -> None:
    raw = (SAMPLES / "documents/shop/04-ready-vat.xml").read_bytes()

    mapping = map_document(raw, format_=DocumentFormat.FA3_XML, created_at=AT, companies={})

    assert isinstance(mapping, Mapping)
    assert mapping.xml == raw


def test_a_document_is_refused_with_everything_that_is_wrong_with_it() -> None:
    raw = (SAMPLES / "documents/sap-north/13-three-mistakes.json").read_bytes()

    findings = map_document(raw, format_=DocumentFormat.INVOICE_JSON, created_at=AT, companies=COMPANIES)

    assert not isinstance(findings, Mapping)
    assert [(finding.code, finding.field) for finding in findings] == [
        ("C11", "buyer"),
        ("C16", "lines[0].net_price"),
        ("C15", "lines[0].rate"),
    ]


def test_a_misspelt_field_names_the_nearest_known_one() -> None:
    raw = (SAMPLES / "documents/sap-north/12-misspelt-field.json").read_bytes()

    findings = map_document(raw, format_=DocumentFormat.INVOICE_JSON, created_at=AT, companies=COMPANIES)

    assert not isinstance(findings, Mapping)
    assert "discount" in (findings[0].next_step or "")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("documents/*/0*-*.json")), ids=lambda path: path.stem)
def test_what_the_samples_become_is_valid(path: Path) -> None:
    documents = json.loads(path.read_bytes())
    for document in documents if isinstance(documents, list) else [documents]:
        raw = json.dumps(document).encode()
        mapping = map_document(raw, format_=DocumentFormat.INVOICE_JSON, created_at=AT, companies=COMPANIES)

        assert isinstance(mapping, Mapping)
        assert check(mapping.xml, AT, True, nip_severity="error") == ()


def test_an_invoice_of_tomorrow_is_refused_today() -> None:
    today = datetime(2026, 11, 2, 22, 30, tzinfo=UTC)  # 23:30 in Warsaw

    findings = check(mapped(issue_date="2026-11-03").xml, today, True, nip_severity="error")

    assert [finding.code for finding in findings] == ["K06"]


def test_the_day_that_counts_is_the_one_in_warsaw() -> None:
    already_tomorrow = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)  # 00:30 in Warsaw

    assert check(mapped(issue_date="2026-11-03").xml, already_tomorrow, True, nip_severity="error") == ()


def test_a_mistyped_nip_is_an_error_only_where_ksef_makes_it_one() -> None:
    buyer = {"nip": "8100000559", "name": "X", "address": {"country": "PL", "line1": "Y"}}
    xml = mapped(buyer=buyer).xml

    severities = {
        severity: [finding.severity for finding in check(xml, AT, True, nip_severity=severity)]
        for severity in ("error", "warning")
    }

    assert severities == {"error": ["error"], "warning": ["warning"]}
