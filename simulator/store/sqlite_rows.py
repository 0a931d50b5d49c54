"""The SQLite form's schema and statements, and rows to values and back. Moments: microseconds since 1970."""

# ruff: noqa: S608  the only parts put together are column lists, constants of this module

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from simulator.protocol.identifiers import Identifier
from simulator.store.rows import DuplicateKey, Invoice, KsefToken, Login, Session

Row: TypeAlias = tuple[Any, ...]
"""As sqlite3 gives it: the column list of the statement fixes the types."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SCHEMA = """
create table if not exists kept (name text primary key, content blob not null) without rowid;
create table if not exists company (nip text primary key, name text not null) without rowid;
create table if not exists self_billing (
    seller_nip text, buyer_nip text, primary key (seller_nip, buyer_nip)
) without rowid;
create table if not exists token (
    reference text primary key, digest text not null unique, context_type text not null,
    context_value text not null, subject_type text not null, subject_value text not null,
    permissions text not null, revoked_at integer
) without rowid;
create table if not exists challenge (
    challenge text primary key, timestamp_ms integer not null, issued_at integer not null
) without rowid;
create index if not exists challenge_age on challenge (issued_at);
create table if not exists login (
    reference text primary key, context_type text not null, context_value text not null,
    subject_type text not null, subject_value text not null, permissions text not null,
    token_reference text, started_at integer not null, decided_at integer not null, code integer not null,
    details text not null, allowed_ips text, redeemed_at integer, refreshed_at integer, revoked_at integer
) without rowid;
create table if not exists session (
    seq integer primary key, reference text not null unique, context_type text not null,
    context_value text not null, subject_type text not null, subject_value text not null,
    token_reference text not null, key blob, iv blob not null, opened_at integer not null,
    valid_until integer not null, key_judged_at integer not null, closing_takes integer not null,
    checks_identifiers integer not null, closed_at integer
);
create index if not exists session_of_context on session (context_type, context_value, seq);
create table if not exists invoice (
    seq integer primary key, session text not null, ordinal integer not null, reference text not null unique,
    context_type text not null, context_value text not null, hash text not null, size integer not null,
    received_at integer not null, decided_at integer not null, stored_at integer not null,
    code integer not null, details text, original_session text, original_ksef_number text,
    seller_nip text, kind text, number text, issued_on text, ksef_number text, mode text,
    corrected_hash text
);
create unique index if not exists invoice_in_session on invoice (session, ordinal);
create unique index if not exists invoice_number on invoice (ksef_number) where ksef_number is not null;
create index if not exists accepted_key on invoice (seller_nip, kind, number) where code = 200;
create index if not exists accepted_hash on invoice (hash) where code = 200;
create index if not exists accepted_correction on invoice (corrected_hash)
    where code = 200 and corrected_hash is not null;
create table if not exists receipt (ksef_number text primary key, content blob not null) without rowid;
create table if not exists rates (
    context_type text, context_value text, content text not null, primary key (context_type, context_value)
) without rowid;
"""

ALL_RATES = "select context_type, context_value, content from rates"

_CREDENTIAL_COLUMNS = (
    "reference, digest, context_type, context_value, subject_type, subject_value, permissions, revoked_at"
)
PUT_TOKEN = f"insert or replace into token ({_CREDENTIAL_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)"
TOKEN = f"select {_CREDENTIAL_COLUMNS} from token where reference = ?"
TOKEN_WITH_DIGEST = f"select {_CREDENTIAL_COLUMNS} from token where digest = ?"

_LOGIN_COLUMNS = (
    "reference, context_type, context_value, subject_type, subject_value, permissions, token_reference, "
    "started_at, decided_at, code, details, allowed_ips, redeemed_at, refreshed_at, revoked_at"
)
PUT_LOGIN = f"insert or replace into login ({_LOGIN_COLUMNS}) values ({', '.join('?' * 15)})"
LOGIN = f"select {_LOGIN_COLUMNS} from login where reference = ?"

_SESSION_COLUMNS = (
    "reference, context_type, context_value, subject_type, subject_value, token_reference, key, iv, "
    "opened_at, valid_until, key_judged_at, closing_takes, checks_identifiers, closed_at"
)
ADD_SESSION = f"insert into session ({_SESSION_COLUMNS}) values ({', '.join('?' * 14)})"
SESSION = f"select {_SESSION_COLUMNS}, seq from session where reference = ?"
ALL_SESSIONS = f"select {_SESSION_COLUMNS}, seq from session where seq < ? order by seq desc limit ?"
SESSIONS_OF = (
    f"select {_SESSION_COLUMNS}, seq from session "
    "where context_type = ? and context_value = ? and seq < ? order by seq desc limit ?"
)

_INVOICE_COLUMNS = (
    "session, ordinal, reference, context_type, context_value, hash, size, received_at, decided_at, "
    "stored_at, code, details, original_session, original_ksef_number, seller_nip, kind, number, issued_on, "
    "ksef_number, mode, corrected_hash"
)
_INVOICE = f"select {_INVOICE_COLUMNS}, seq from invoice"
ADD_INVOICE = f"insert into invoice ({_INVOICE_COLUMNS}) values ({', '.join('?' * 21)})"
INVOICES_AFTER = f"{_INVOICE} where seq > ? order by seq limit ?"
INVOICE = f"{_INVOICE} where reference = ?"
INVOICE_WITH_KSEF_NUMBER = f"{_INVOICE} where ksef_number = ?"
INVOICES_OF = (
    f"{_INVOICE} where session = ?1 and ordinal > ?2 and received_at <= ?3 "
    "and (?4 is null or (code <> 200 and decided_at <= ?4)) order by ordinal limit ?5"
)
ACCEPTED_WITH_KEY = (
    f"{_INVOICE} where code = 200 and seller_nip = ? and kind = ? and number = ? order by seq desc limit 1"
)
ACCEPTED_WITH_HASH = f"{_INVOICE} where code = 200 and hash = ? order by seq desc limit 1"
ACCEPTED_CORRECTION_OF = f"{_INVOICE} where code = 200 and corrected_hash = ? order by seq desc limit 1"
TALLY = """
select count(*), coalesce(sum(code = 200 and decided_at <= ?), 0),
    coalesce(sum(code <> 200 and decided_at <= ?), 0), max(received_at), max(decided_at)
from invoice where session = ?
"""


def micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def moment_or_none(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


def _micros_or_none(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def token_row(token: KsefToken) -> Row:
    return (
        token.reference,
        token.digest,
        token.context.type,
        token.context.value,
        token.subject.type,
        token.subject.value,
        json.dumps(token.permissions),
        _micros_or_none(token.revoked_at),
    )


def token_of(row: Row) -> KsefToken:
    return KsefToken(
        reference=row[0],
        digest=row[1],
        context=Identifier(row[2], row[3]),
        subject=Identifier(row[4], row[5]),
        permissions=tuple(json.loads(row[6])),
        revoked_at=moment_or_none(row[7]),
    )


def login_row(login: Login) -> Row:
    return (
        login.reference,
        login.context.type,
        login.context.value,
        login.subject.type,
        login.subject.value,
        json.dumps(login.permissions),
        login.token_reference,
        micros(login.started_at),
        micros(login.decided_at),
        login.code,
        json.dumps(login.details),
        None if login.allowed_ips is None else json.dumps(login.allowed_ips),
        _micros_or_none(login.redeemed_at),
        _micros_or_none(login.refreshed_at),
        _micros_or_none(login.revoked_at),
    )


def login_of(row: Row) -> Login:
    policy = None if row[11] is None else json.loads(row[11])
    return Login(
        reference=row[0],
        context=Identifier(row[1], row[2]),
        subject=Identifier(row[3], row[4]),
        permissions=tuple(json.loads(row[5])),
        token_reference=row[6],
        started_at=moment(row[7]),
        decided_at=moment(row[8]),
        code=row[9],
        details=tuple(json.loads(row[10])),
        allowed_ips=None if policy is None else {kind: tuple(ips) for kind, ips in policy.items()},
        redeemed_at=moment_or_none(row[12]),
        refreshed_at=moment_or_none(row[13]),
        revoked_at=moment_or_none(row[14]),
    )


def session_row(session: Session) -> Row:
    return (
        session.reference,
        session.context.type,
        session.context.value,
        session.subject.type,
        session.subject.value,
        session.token_reference,
        session.key,
        session.iv,
        micros(session.opened_at),
        micros(session.valid_until),
        micros(session.key_judged_at),
        session.closing_takes // _MICROSECOND,
        session.checks_identifiers,
        _micros_or_none(session.closed_at),
    )


def session_of(row: Row) -> Session:
    return Session(
        reference=row[0],
        context=Identifier(row[1], row[2]),
        subject=Identifier(row[3], row[4]),
        token_reference=row[5],
        key=row[6],
        iv=row[7],
        opened_at=moment(row[8]),
        valid_until=moment(row[9]),
        key_judged_at=moment(row[10]),
        closing_takes=timedelta(microseconds=row[11]),
        checks_identifiers=bool(row[12]),
        closed_at=moment_or_none(row[13]),
        seq=row[14],
    )


def invoice_row(invoice: Invoice) -> Row:
    key = invoice.key
    return (
        invoice.session,
        invoice.ordinal,
        invoice.reference,
        invoice.context.type,
        invoice.context.value,
        invoice.hash,
        invoice.size,
        micros(invoice.received_at),
        micros(invoice.decided_at),
        micros(invoice.stored_at),
        invoice.code,
        json.dumps(invoice.details) if invoice.details else None,
        invoice.original_session,
        invoice.original_ksef_number,
        None if key is None else key.seller_nip,
        None if key is None else key.kind,
        None if key is None else key.number,
        None if invoice.issued_on is None else invoice.issued_on.isoformat(),
        invoice.ksef_number,
        invoice.mode,
        invoice.corrected_hash,
    )


def invoice_of(row: Row) -> Invoice:
    return Invoice(
        session=row[0],
        ordinal=row[1],
        reference=row[2],
        context=Identifier(row[3], row[4]),
        hash=row[5],
        size=row[6],
        received_at=moment(row[7]),
        decided_at=moment(row[8]),
        stored_at=moment(row[9]),
        code=row[10],
        details=() if row[11] is None else tuple(json.loads(row[11])),
        original_session=row[12],
        original_ksef_number=row[13],
        key=None if row[14] is None else DuplicateKey(row[14], row[15], row[16]),
        issued_on=None if row[17] is None else date.fromisoformat(row[17]),
        ksef_number=row[18],
        mode=row[19],
        corrected_hash=row[20],
        seq=row[21],
    )
