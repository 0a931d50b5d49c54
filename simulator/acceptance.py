"""The acceptance log: what KSeF received and what it gave a number to. The oracle of every later proof.

One JSON line per invoice received (``received``), one more if it got a KSeF number (``accepted``), written
before the sender's answer leaves. The decision is taken when the invoice arrives, so an acceptance may carry
an ``at`` that lies a moment ahead: from then on the number shows.

The file follows the store and never leads it: killed between the two, the next start writes what is missing.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from simulator.protocol.times import timestamp
from simulator.store.port import Store
from simulator.store.rows import Invoice

_BATCH = 500
_TAIL_BYTES = 64 * 1024


def entries_of(invoice: Invoice) -> tuple[dict[str, object], ...]:
    """The log entries of one invoice, oldest fact first."""
    common: dict[str, object] = {
        "seq": invoice.seq,
        "context": invoice.context.value,
        "session": invoice.session,
        "invoice": invoice.reference,
        "hash": invoice.hash,
    }
    received = {
        "event": "received",
        **common,
        "at": timestamp(invoice.received_at),
        "verdict": invoice.code,
        "decided_at": timestamp(invoice.decided_at),
    }
    if invoice.key is None or invoice.ksef_number is None:
        return (received,)
    accepted = {
        "event": "accepted",
        **common,
        "at": timestamp(invoice.decided_at),
        "seller_nip": invoice.key.seller_nip,
        "kind": invoice.key.kind,
        "number": invoice.key.number,
        "ksef_number": invoice.ksef_number,
    }
    return received, accepted


def log_lines(invoices: Iterable[Invoice]) -> bytes:
    return b"".join(
        msgspec.json.encode(entry) + b"\n" for invoice in invoices for entry in entries_of(invoice)
    )


class AcceptanceLog:
    """The log as a file that only grows; opening it repairs a torn end and catches up with the store."""

    def __init__(self, path: Path, store: Store) -> None:
        """Raises ``ValueError`` when the file belongs to another store."""
        self._store = store
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._seq = _cut_last_group(self._file)
        if self._seq > store.last_seq():
            os.close(self._file)
            raise ValueError(
                f"acceptance log {path} knows {self._seq} invoices, the store only {store.last_seq()}: "
                "it belongs to another store; name another file or the data directory it came from"
            )
        self.catch_up()

    def catch_up(self) -> None:
        """Write every invoice of the store that the file does not hold yet."""
        while self._seq < self._store.last_seq():
            invoices = self._store.invoices_after(self._seq, limit=_BATCH)
            _write_all(self._file, log_lines(invoices))
            self._seq = invoices[-1].seq

    def close(self) -> None:
        os.close(self._file)


def _cut_last_group(file: int) -> int:
    """Drop the lines of the last invoice, whole or torn, and return the ``seq`` before it.

    They are written again from the store, byte for byte: cheaper than telling whole from torn.
    """
    size = os.fstat(file).st_size
    start = max(0, size - _TAIL_BYTES)
    tail = os.pread(file, _TAIL_BYTES, start)
    lines = tail[: tail.rfind(b"\n") + 1].splitlines(keepends=True)
    if start:
        lines = lines[1:]
    if not lines:
        os.ftruncate(file, 0)
        return 0
    last = int(json.loads(lines[-1])["seq"])
    kept = [line for line in lines if json.loads(line)["seq"] != last]
    dropped = sum(map(len, lines)) - sum(map(len, kept))
    whole = size - (len(tail) - tail.rfind(b"\n") - 1)
    os.ftruncate(file, whole - dropped)
    return last - 1


def _write_all(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]
