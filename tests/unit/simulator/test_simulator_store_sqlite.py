"""What the SQLite form promises beyond the contract: whole transactions, and a life after a restart."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.crypto.keys import load_or_create
from simulator.protocol.identifiers import Identifier
from simulator.rates import PRODUCTION
from simulator.store.rows import Company, Invoice
from simulator.store.sqlite import SqliteStore

T = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
CONTEXT = Identifier("Nip", "5265877635")


def invoice(ordinal: int) -> Invoice:
    return Invoice(
        session="S1",
        ordinal=ordinal,
        reference=f"I{ordinal}",
        context=CONTEXT,
        hash="h",
        size=1,
        received_at=T,
        decided_at=T,
        stored_at=T,
        code=450,
    )


def write_half_and_fail(store: SqliteStore) -> None:
    with store.transaction():
        store.put_company(Company("5265877635", "Huta"))
        store.add_invoice(invoice(2))
        raise RuntimeError("halfway")


def test_a_failed_transaction_leaves_nothing(tmp_path: Path):
    store = SqliteStore(tmp_path / "s.sqlite")
    with store.transaction():
        store.add_invoice(invoice(1))

    with pytest.raises(RuntimeError, match="halfway"):
        write_half_and_fail(store)

    assert list(store.companies()) == []
    assert store.last_seq() == 1
    assert [found.ordinal for found in store.invoices_after(0, limit=9)] == [1]
    store.close()


def test_everything_is_there_after_a_restart(tmp_path: Path):
    first = SqliteStore(tmp_path / "s.sqlite")
    with first.transaction():
        keys = load_or_create(first, now=T)
        first.add_invoice(invoice(1))
        first.put_rates(CONTEXT, PRODUCTION)
    first.close()

    second = SqliteStore(tmp_path / "s.sqlite")

    again = load_or_create(second, now=T)
    assert [key.public_key_id for key in again.encryption] == [key.public_key_id for key in keys.encryption]
    assert again.bearer_secret == keys.bearer_secret
    assert second.last_seq() == 1
    assert second.rates(CONTEXT) == PRODUCTION
    second.close()


def test_two_processes_cannot_share_a_store(tmp_path: Path):
    first = SqliteStore(tmp_path / "s.sqlite")

    with pytest.raises(ValueError, match="in use"):
        SqliteStore(tmp_path / "s.sqlite")

    first.close()
