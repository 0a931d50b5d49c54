"""Two invoices have the same hash if they say the same."""

import hashlib
import json
from typing import Any

import pytest

from contracts.invoice import content_hash
from contracts.invoice.hashing import canonical_text
from tests.support.invoice_samples import LINE, fields, invoice, line, raw


def test_the_canonical_text_is_json_written_in_one_way() -> None:
    read = invoice(
        fields(
            issue_place="Łódź & „K”",
            lines=[LINE | {"net": None, "qty": 2, "net_price": "10.50", "annex15": True}],
            supply={"from": "2026-11-01", "to": "2026-11-30"},
        )
    )

    assert canonical_text(read) == (
        '{"buyer":{"nip":"1111111111"},"issue_date":"2026-11-20","issue_place":"Łódź & „K”","kind":"VAT",'
        '"lines":[{"annex15":true,"name":"Pręt stalowy","net_price":"10.5","qty":"2","rate":"23"}],'
        '"model":"invoice/1","number":"FV/1","seller":{"nip":"5265877635"},'
        '"supply":{"from":"2026-11-01","to":"2026-11-30"}}'
    )


def test_the_hash_is_sha_256_of_the_canonical_text() -> None:
    read = invoice(fields())

    assert content_hash(read) == hashlib.sha256(canonical_text(read).encode()).hexdigest()


def test_the_hash_of_a_released_document_never_changes() -> None:
    # printf '{"buyer":{"nip":"1111111111"},"issue_date":"2026-11-20",…}' | sha256sum
    assert (
        content_hash(invoice(fields())) == "5bdf9b5c4f60ae95ef3775a8d8a29e7fcca395bf7b69635f857ae94925ffb5fd"
    )


@pytest.mark.parametrize(
    "same",
    [
        fields(source={"system": "A", "document_id": "1", "created_at": "2026-11-20T00:00:00Z"}),
        line(net="100"),
        line(net=100),
        line(net="100.0000"),
        fields(number=" FV/1 "),
        fields(currency="PLN"),
        fields(annotations={"cash_method": False}, flags={}, payment={}, terms={"orders": []}),
        fields(delivery={"mode": "auto"}),
        line(state="normal", annex15=False, notes=[]),
        dict(reversed(fields().items())),
    ],
)
def test_what_says_the_same_has_the_same_hash(same: dict[str, Any]) -> None:
    assert content_hash(invoice(same)) == content_hash(invoice(fields()))


@pytest.mark.parametrize(
    "other",
    [
        fields(number="FV/2"),
        fields(kind="UPR"),
        fields(currency="EUR"),
        line(net="100.01"),
        line(net="-100.00"),
        line(rate="8"),
        fields(lines=[LINE, LINE]),
        fields(flags={"receipt": True}),
        fields(delivery={"mode": "online"}),
        fields(notes=[{"key": "a", "value": "b"}]),
    ],
)
def test_what_says_something_else_has_another_hash(other: dict[str, Any]) -> None:
    assert content_hash(invoice(other)) != content_hash(invoice(fields()))


def test_the_layout_of_the_json_does_not_matter() -> None:
    assert content_hash(invoice(json.dumps(fields(), indent=4).encode())) == content_hash(
        invoice(raw(fields()))
    )


def test_negative_zero_is_zero() -> None:
    assert content_hash(invoice(line(net="-0.00"))) == content_hash(invoice(line(net="0")))
