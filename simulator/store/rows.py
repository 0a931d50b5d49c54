"""The facts a store keeps, as frozen values. Moments are aware, in UTC, to the microsecond."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from simulator.protocol.identifiers import Identifier


@dataclass(frozen=True, slots=True)
class Company:
    nip: str
    name: str


@dataclass(frozen=True, slots=True)
class KsefToken:
    """A KSeF token. Only the digest of its text is kept: the text is shown once, when it is made."""

    reference: str
    digest: str
    context: Identifier
    subject: Identifier
    permissions: tuple[str, ...]
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    challenge: str
    timestamp_ms: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """One authentication: its verdict is known when it starts and shows from ``decided_at`` on."""

    reference: str
    context: Identifier
    subject: Identifier
    permissions: tuple[str, ...]
    token_reference: str | None
    started_at: datetime
    decided_at: datetime
    code: int
    details: tuple[str, ...] = ()
    allowed_ips: Mapping[str, tuple[str, ...]] | None = None
    redeemed_at: datetime | None = None
    refreshed_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """An online session. ``key`` is None when the key that came with it could not be decrypted."""

    reference: str
    context: Identifier
    subject: Identifier
    token_reference: str
    key: bytes | None = field(repr=False)
    iv: bytes = field(repr=False)
    opened_at: datetime
    valid_until: datetime
    key_judged_at: datetime
    closing_takes: timedelta
    checks_identifiers: bool
    closed_at: datetime | None = None
    seq: int = 0
    """Grows with every session of the store; given by the store."""


@dataclass(frozen=True, slots=True)
class DuplicateKey:
    """What KSeF calls the same invoice, whatever its bytes: seller, kind (RodzajFaktury), number (P_2)."""

    seller_nip: str
    kind: str
    number: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice sent, with the verdict that shows from ``decided_at`` on.

    ``ksef_number``, ``issued_on`` and ``mode`` are there exactly when ``code`` is 200; ``key`` is there when
    the document could be read that far.
    """

    session: str
    ordinal: int
    reference: str
    context: Identifier
    hash: str
    size: int
    received_at: datetime
    decided_at: datetime
    stored_at: datetime
    code: int
    details: tuple[str, ...] = ()
    original_session: str | None = None
    original_ksef_number: str | None = None
    key: DuplicateKey | None = None
    issued_on: date | None = None
    ksef_number: str | None = None
    mode: str | None = None
    corrected_hash: str | None = None
    seq: int = 0
    """Grows with every invoice of the store; given by the store."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A session's invoices counted at one moment; ``last_*_at`` look past it."""

    total: int = 0
    accepted: int = 0
    failed: int = 0
    last_received_at: datetime | None = None
    last_decided_at: datetime | None = None
