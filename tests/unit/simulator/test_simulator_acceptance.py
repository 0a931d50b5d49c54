"""The acceptance log: one line per invoice received, one per number given, on file whatever happens."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from simulator.acceptance import AcceptanceLog, log_lines
from simulator.protocol.identifiers import Identifier
from simulator.store.memory import MemoryStore
from simulator.store.rows import DuplicateKey, Invoice

T = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


def invoice(ordinal: int, *, accepted: bool = True) -> Invoice:
    return Invoice(
        session="S1",
        ordinal=ordinal,
        reference=f"I{ordinal}",
        context=Identifier("Nip", "5265877635"),
        hash=f"hash-{ordinal}",
        size=10,
        received_at=T,
        decided_at=T + timedelta(seconds=1),
        stored_at=T,
        code=200 if accepted else 450,
        key=DuplicateKey("5265877635", "VAT", f"FV/{ordinal}"),
        issued_on=date(2026, 11, 20),
        ksef_number=f"N{ordinal}" if accepted else None,
    )


def read(path: Path) -> list[tuple[str, int]]:
    return [(entry["event"], entry["seq"]) for entry in map(json.loads, path.read_text().splitlines())]


def test_an_accepted_invoice_has_two_lines(tmp_path: Path):
    store = MemoryStore()
    kept = store.add_invoice(invoice(1))

    received, accepted = map(json.loads, log_lines([kept]).splitlines())

    assert received == {
        "event": "received",
        "seq": 1,
        "context": "5265877635",
        "session": "S1",
        "invoice": "I1",
        "hash": "hash-1",
        "at": "2026-11-20T11:00:00.0000000+00:00",
        "verdict": 200,
        "decided_at": "2026-11-20T11:00:01.0000000+00:00",
    }
    assert accepted == {
        "event": "accepted",
        "seq": 1,
        "context": "5265877635",
        "session": "S1",
        "invoice": "I1",
        "hash": "hash-1",
        "at": "2026-11-20T11:00:01.0000000+00:00",
        "seller_nip": "5265877635",
        "kind": "VAT",
        "number": "FV/1",
        "ksef_number": "N1",
    }


def test_a_refused_invoice_has_one_line_with_its_verdict(tmp_path: Path):
    kept = MemoryStore().add_invoice(invoice(1, accepted=False))

    (received,) = map(json.loads, log_lines([kept]).splitlines())

    assert (received["event"], received["verdict"]) == ("received", 450)


def test_the_file_follows_the_store(tmp_path: Path):
    store, path = MemoryStore(), tmp_path / "log"
    log = AcceptanceLog(path, store)
    store.add_invoice(invoice(1))
    store.add_invoice(invoice(2, accepted=False))
    log.catch_up()
    log.catch_up()
    log.close()

    assert read(path) == [("received", 1), ("accepted", 1), ("received", 2)]


@pytest.mark.parametrize("lost", range(0, 1100, 50))
def test_whatever_end_is_torn_off_is_written_again(tmp_path: Path, lost: int):
    store, path = MemoryStore(), tmp_path / "log"
    for ordinal in range(1, 5):
        store.add_invoice(invoice(ordinal, accepted=ordinal != 3))
    AcceptanceLog(path, store).close()
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - lost)])

    AcceptanceLog(path, store).close()

    assert path.read_bytes() == whole


def test_a_long_log_is_repaired_at_its_end_only(tmp_path: Path):
    store, path = MemoryStore(), tmp_path / "log"
    for ordinal in range(1, 1001):
        store.add_invoice(invoice(ordinal))
    AcceptanceLog(path, store).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])

    AcceptanceLog(path, store).close()

    assert len(whole) > 400_000
    assert path.read_bytes() == whole


def test_a_log_of_another_store_is_refused(tmp_path: Path):
    store, path = MemoryStore(), tmp_path / "log"
    store.add_invoice(invoice(1))
    store.add_invoice(invoice(2))
    AcceptanceLog(path, store).close()

    with pytest.raises(ValueError, match="belongs to another store"):
        AcceptanceLog(path, MemoryStore())
