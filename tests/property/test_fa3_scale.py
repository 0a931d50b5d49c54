"""An invoice of 10,000 lines costs what its lines cost, no more."""

import json
import time
from typing import Any

import pytest

from contracts.invoice import Invoice, content_hash, read_invoice
from fa3.checks import schema_findings
from fa3.document import SizeLimits, parse
from fa3.facts import envelope, facts
from fa3.writer import Written, write
from tests.support.fa3_samples import CREATED_AT, SELLER, fields, parsed

ROOMY = SizeLimits(plain=10_000_000, with_attachment=10_000_000)


def document_of(count: int) -> bytes:
    lines: list[dict[str, Any]] = [
        {
            "name": f"Pręt {n}",
            "uid": f"L-{n}",
            "qty": str(n % 7 + 1),
            "net_price": "1.23",
            "rate": "23",
            "po": {"number": "45"},
        }
        for n in range(count)
    ]
    return json.dumps(fields(lines=lines)).encode()


def written(raw: bytes) -> bytes:
    invoice = read_invoice(raw)
    assert isinstance(invoice, Invoice)
    assert content_hash(invoice)
    made = write(invoice, seller=SELLER, created_at=CREATED_AT)
    assert isinstance(made, Written)
    return made.xml


def seconds_for(raw: bytes) -> float:
    """Processor time of the whole way from JSON to a checked document; the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        document = parse(written(raw), limits=ROOMY)
        assert not isinstance(document, tuple)
        assert schema_findings(document) == ()
        facts(document)
        best = min(best, time.process_time() - start)
    return best


def test_ten_thousand_lines_are_written_and_valid() -> None:
    xml = written(document_of(10_000))

    document = parse(xml, limits=ROOMY)
    assert not isinstance(document, tuple)
    assert schema_findings(document) == ()
    assert xml.count(b"<FaWiersz>") == xml.count(b"<DodatkowyOpis>") == 10_000
    # sum of qty: 1428 x (1 + … + 7) + (1 + 2 + 3 + 4) = 39994; x 1.23
    assert b"<P_13_1>49192.62</P_13_1><P_14_1>11314.30</P_14_1><P_15>60506.92</P_15>" in xml


def test_cost_grows_with_the_lines_and_not_faster() -> None:
    thousand, ten_thousand = seconds_for(document_of(1_000)), seconds_for(document_of(10_000))

    assert ten_thousand < 30 * thousand


def test_more_than_ten_thousand_lines_are_refused_by_the_model() -> None:
    found = read_invoice(document_of(10_001))

    assert isinstance(found, tuple)
    assert [(finding.code, finding.field) for finding in found] == [("C14", "lines")]


def test_the_envelope_costs_the_same_whatever_the_number_of_lines() -> None:
    small, large = written(document_of(10)), written(document_of(10_000))

    def seconds(xml: bytes) -> float:
        start = time.process_time()
        for _ in range(50):
            envelope(xml)
        return time.process_time() - start

    assert seconds(large) < 20 * seconds(small)


@pytest.mark.parametrize(
    "hostile",
    [
        b"<!--" * 500_000,
        b"<!-- -->" * 300_000,
        b"<?xml " + b" " * 2_000_000,
        b"<a " + b'a="' * 500_000,
        b"<a>" + b"&#9;" * 500_000 + b"</a>",
        b"<" * 2_000_000,
        b"\xc2" * 1_000_000,
        b"<a>" + "\u0080".encode() * 500_000 + b"</a>",
    ],
)
def test_a_hostile_document_is_refused_within_seconds(hostile: bytes) -> None:
    start = time.process_time()

    assert isinstance(parse(hostile), tuple)
    assert isinstance(envelope(hostile), tuple)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 4_000_000,
        b'{"lines": [' + b"{}," * 1_000_000 + b"{}]}",
        b'{"' + b"a" * 7_000_000 + b'": 1}',
        b'{"number": "' + b" " * 7_000_000 + b'"}',
        b'{"number": ' + b"1" * 7_000_000 + b"}",
    ],
)
def test_hostile_json_is_refused_within_seconds(hostile: bytes) -> None:
    start = time.process_time()

    assert isinstance(read_invoice(hostile), tuple)
    assert time.process_time() - start < 10


def test_a_large_document_of_the_usual_shape_is_parsed() -> None:
    assert parsed(written(document_of(2_000))).lines == 2
