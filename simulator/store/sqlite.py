"""The store as one SQLite file: every acknowledged fact survives the death of the process.

One connection, write-ahead log. ``synchronous=off`` is enough for that: what was written before the process
died is in the operating system's hands; only a loss of power could undo it, and nobody's invoices are here.
Memory stays flat: kept outside the page cache are the newest few invoices and the contexts' own limits.
"""

import json
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from simulator.protocol.identifiers import Identifier
from simulator.rates import Rates, RateTable
from simulator.store import sqlite_rows as rows
from simulator.store.rows import (
    Challenge,
    Company,
    DuplicateKey,
    Invoice,
    KsefToken,
    Login,
    Session,
    Tally,
)
from simulator.store.sqlite_rows import micros

_CACHE_KIB = 4 * 1024
_NO_LIMIT = 2**62
_RECENT = 8
_LOCK_SECONDS = 0.5


class SqliteStore:
    """`store.port.Store` in the file at ``path``; the file is made when it is missing."""

    def __init__(self, path: Path) -> None:
        """Raises ``ValueError`` when another process has the file."""
        self._db = _connected(path)
        self._last_seq = self._newest()
        # Whoever follows the newest invoices (the acceptance log does) need not read them back.
        self._recent: deque[Invoice] = deque(maxlen=_RECENT)
        self._rates = {
            Identifier(kind, value): _rates_of(content)
            for kind, value, content in self._db.execute(rows.ALL_RATES)
        }

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside, or none of them."""
        try:
            with self._db:
                yield
        except BaseException:
            self._last_seq = self._newest()
            self._recent.clear()
            raise

    def close(self) -> None:
        self._db.close()

    def kept_value(self, name: str) -> bytes | None:
        row = self._db.execute("select content from kept where name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep_value(self, name: str, content: bytes) -> None:
        self._write("insert or replace into kept (name, content) values (?, ?)", (name, content))

    def put_company(self, company: Company) -> None:
        self._write("insert or replace into company (nip, name) values (?, ?)", (company.nip, company.name))

    def company(self, nip: str) -> Company | None:
        row = self._db.execute("select nip, name from company where nip = ?", (nip,)).fetchone()
        return None if row is None else Company(*row)

    def companies(self) -> Sequence[Company]:
        return [Company(*row) for row in self._db.execute("select nip, name from company order by nip")]

    def put_self_billing(self, *, seller_nip: str, buyer_nip: str) -> None:
        self._write("insert or ignore into self_billing values (?, ?)", (seller_nip, buyer_nip))

    def self_billing_granted(self, *, seller_nip: str, buyer_nip: str) -> bool:
        query = "select 1 from self_billing where seller_nip = ? and buyer_nip = ?"
        return self._db.execute(query, (seller_nip, buyer_nip)).fetchone() is not None

    def put_token(self, token: KsefToken) -> None:
        self._write(rows.PUT_TOKEN, rows.token_row(token))

    def token(self, reference: str) -> KsefToken | None:
        row = self._db.execute(rows.TOKEN, (reference,)).fetchone()
        return None if row is None else rows.token_of(row)

    def token_with_digest(self, digest: str) -> KsefToken | None:
        row = self._db.execute(rows.TOKEN_WITH_DIGEST, (digest,)).fetchone()
        return None if row is None else rows.token_of(row)

    def add_challenge(self, challenge: Challenge, *, forget_before: datetime) -> None:
        self._write("delete from challenge where issued_at < ?", (micros(forget_before),))
        self._write(
            "insert into challenge (challenge, timestamp_ms, issued_at) values (?, ?, ?)",
            (challenge.challenge, challenge.timestamp_ms, micros(challenge.issued_at)),
        )

    def take_challenge(self, challenge: str) -> Challenge | None:
        query = "delete from challenge where challenge = ? returning challenge, timestamp_ms, issued_at"
        row = self._db.execute(query, (challenge,)).fetchone()
        return None if row is None else Challenge(row[0], row[1], rows.moment(row[2]))

    def put_login(self, login: Login) -> None:
        self._write(rows.PUT_LOGIN, rows.login_row(login))

    def login(self, reference: str) -> Login | None:
        row = self._db.execute(rows.LOGIN, (reference,)).fetchone()
        return None if row is None else rows.login_of(row)

    def add_session(self, session: Session) -> None:
        self._write(rows.ADD_SESSION, rows.session_row(session))

    def session(self, reference: str) -> Session | None:
        row = self._db.execute(rows.SESSION, (reference,)).fetchone()
        return None if row is None else rows.session_of(row)

    def close_session(self, reference: str, *, at: datetime) -> None:
        self._write("update session set closed_at = ? where reference = ?", (micros(at), reference))

    def sessions(
        self, *, context: Identifier | None, before_seq: int | None, limit: int
    ) -> Sequence[Session]:
        before = _NO_LIMIT if before_seq is None else before_seq
        if context is None:
            found = self._db.execute(rows.ALL_SESSIONS, (before, limit))
        else:
            found = self._db.execute(rows.SESSIONS_OF, (context.type, context.value, before, limit))
        return [rows.session_of(row) for row in found]

    def add_invoice(self, invoice: Invoice) -> Invoice:
        cursor = self._write(rows.ADD_INVOICE, rows.invoice_row(invoice))
        self._last_seq = cursor.lastrowid or 0
        kept = replace(invoice, seq=self._last_seq)
        self._recent.append(kept)
        return kept

    def last_seq(self) -> int:
        return self._last_seq

    def _newest(self) -> int:
        return int(self._db.execute("select coalesce(max(seq), 0) from invoice").fetchone()[0])

    def invoices_after(self, seq: int, *, limit: int) -> Sequence[Invoice]:
        recent = self._recent
        if recent and recent[0].seq <= seq + 1:
            return list(islice((invoice for invoice in recent if invoice.seq > seq), limit))
        return [rows.invoice_of(row) for row in self._db.execute(rows.INVOICES_AFTER, (seq, limit))]

    def invoice(self, reference: str) -> Invoice | None:
        return self._one_invoice(rows.INVOICE, reference)

    def invoice_with_ksef_number(self, ksef_number: str) -> Invoice | None:
        return self._one_invoice(rows.INVOICE_WITH_KSEF_NUMBER, ksef_number)

    def last_ordinal(self, session: str) -> int:
        query = "select max(ordinal) from invoice where session = ?"
        return int(self._db.execute(query, (session,)).fetchone()[0] or 0)

    def invoices_of(
        self,
        session: str,
        *,
        after_ordinal: int,
        limit: int,
        received_by: datetime | None = None,
        failed_by: datetime | None = None,
    ) -> Sequence[Invoice]:
        bounds = (
            _NO_LIMIT if received_by is None else micros(received_by),
            None if failed_by is None else micros(failed_by),
        )
        found = self._db.execute(rows.INVOICES_OF, (session, after_ordinal, *bounds, limit))
        return [rows.invoice_of(row) for row in found]

    def tally(self, session: str, *, now: datetime) -> Tally:
        row = self._db.execute(rows.TALLY, (micros(now), micros(now), session)).fetchone()
        total, accepted, failed, last_received_at, last_decided_at = row
        return Tally(
            total=total,
            accepted=accepted,
            failed=failed,
            last_received_at=rows.moment_or_none(last_received_at),
            last_decided_at=rows.moment_or_none(last_decided_at),
        )

    def accepted_with_key(self, key: DuplicateKey) -> Invoice | None:
        return self._one_invoice(rows.ACCEPTED_WITH_KEY, key.seller_nip, key.kind, key.number)

    def accepted_with_hash(self, file_hash: str) -> Invoice | None:
        return self._one_invoice(rows.ACCEPTED_WITH_HASH, file_hash)

    def accepted_correction_of(self, file_hash: str) -> Invoice | None:
        return self._one_invoice(rows.ACCEPTED_CORRECTION_OF, file_hash)

    def receipt(self, ksef_number: str) -> bytes | None:
        query = "select content from receipt where ksef_number = ?"
        row = self._db.execute(query, (ksef_number,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep_receipt(self, ksef_number: str, content: bytes) -> None:
        self._write("insert into receipt (ksef_number, content) values (?, ?)", (ksef_number, content))

    def rates(self, context: Identifier) -> RateTable | None:
        return self._rates.get(context)

    def put_rates(self, context: Identifier, rates: RateTable | None) -> None:
        key = (context.type, context.value)
        if rates is None:
            self._write("delete from rates where context_type = ? and context_value = ?", key)
            self._rates.pop(context, None)
        else:
            self._write("insert or replace into rates values (?, ?, ?)", (*key, _rates_text(rates)))
            self._rates[context] = rates

    def _one_invoice(self, query: str, *values: str) -> Invoice | None:
        row = self._db.execute(query, values).fetchone()
        return None if row is None else rows.invoice_of(row)

    def _write(self, statement: str, values: Sequence[object]) -> sqlite3.Cursor:
        return self._db.execute(statement, tuple(values))


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_LOCK_SECONDS, cached_statements=256)
    try:
        # One process owns the file: it keeps its lock, which also saves several system calls a write.
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = off")
        connection.execute(f"pragma cache_size = -{_CACHE_KIB}")
        connection.executescript(rows.SCHEMA)
    except sqlite3.OperationalError as error:
        connection.close()
        raise ValueError(f"store {path}: in use by another simulator, or no SQLite file ({error})") from error
    return connection


def _rates_text(rates: RateTable) -> str:
    return json.dumps({g: (r.per_second, r.per_minute, r.per_hour) for g, r in rates.items()})


def _rates_of(text: str) -> RateTable:
    return {group: Rates(*values) for group, values in json.loads(text).items()}
