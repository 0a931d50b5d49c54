"""Seeds: what a file may say, and how a wrong one is refused."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.credentials import token_digest
from simulator.seed import SeedError, apply_seed, load_seed, read_companies
from simulator.store.rows import Company
from tests.support.simulator_driver import BUYER, SELLER

TOKEN = f"20261120-EC-0000000001-0000000002-2A|nip-{SELLER}|{'0f' * 32}"
SEED = f"""
companies:
  - nip: "{SELLER}"
    name: Huta Testowa S.A.
    tokens:
      - text: {TOKEN}
        permissions: [InvoiceRead, InvoiceWrite]
    self_billing_buyers: ["{BUYER}"]
  - nip: "{BUYER}"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "seed.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_seed_brings_companies_tokens_and_grants(tmp_path, store):
    apply_seed(load_seed(write(tmp_path, SEED)), store)

    assert list(store.companies()) == [Company(BUYER, BUYER), Company(SELLER, "Huta Testowa S.A.")]
    assert store.token_with_digest(token_digest(TOKEN)).permissions == ("InvoiceRead", "InvoiceWrite")
    assert store.self_billing_granted(seller_nip=SELLER, buyer_nip=BUYER)


def test_a_seeded_token_logs_in(tmp_path, ksef):
    apply_seed(load_seed(write(tmp_path, SEED)), ksef.store)

    assert ksef.login_status(TOKEN)["code"] == 200


def test_the_store_never_holds_a_tokens_text(tmp_path, store):
    apply_seed(load_seed(write(tmp_path, SEED)), store)

    assert "0f0f" not in repr(store.token_with_digest(token_digest(TOKEN)))


def test_seeding_again_does_not_bring_a_revoked_token_back(tmp_path, store):
    seed = load_seed(write(tmp_path, SEED))
    apply_seed(seed, store)
    token = store.token_with_digest(token_digest(TOKEN))
    store.put_token(replace(token, revoked_at=datetime(2026, 11, 20, tzinfo=UTC)))

    apply_seed(seed, store)

    assert store.token_with_digest(token_digest(TOKEN)).revoked_at is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("companies: {}", "companies: expected a list"),
        ("[]", "the file: expected a mapping"),
        ("companies: [1]", r"companies\[0\]: expected a mapping"),
        ("companies: [{nip: 5265877635}]", r"companies\[0\].nip: expected ten digits of a NIP, in quotes"),
        ("companies: [{nip: '5265877635', tokens: [{}]}]", r"companies\[0\].tokens\[0\]: a token reads"),
        (
            f"companies: [{{nip: '{BUYER}', tokens: [{{text: '{TOKEN}'}}]}}]",
            rf"companies\[0\].tokens\[0\].text: belongs to another company than {BUYER}",
        ),
        (
            f"companies: [{{nip: '{SELLER}', tokens: [{{text: '{TOKEN}', permissions: [Fly]}}]}}]",
            r"companies\[0\].tokens\[0\]: unknown permission 'Fly'",
        ),
        ("companies: [", "seed .*seed.yaml: while parsing"),
    ],
)
def test_a_wrong_seed_is_refused_with_the_place(tmp_path, text, said):
    with pytest.raises(SeedError, match=said):
        load_seed(write(tmp_path, text))


def test_a_missing_seed_file_is_named(tmp_path):
    with pytest.raises(SeedError, match=r"seed .*none.yaml"):
        load_seed(tmp_path / "none.yaml")


def test_a_refused_seed_does_not_quote_a_token():
    entry = {"companies": [{"nip": SELLER, "tokens": [{"text": f"{TOKEN}x"}]}]}

    with pytest.raises(SeedError) as caught:
        read_companies(entry)

    assert "0f0f" not in str(caught.value)
