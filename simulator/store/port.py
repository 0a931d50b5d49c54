"""The store's contract: everything answered for is in here before the answer leaves.

Calls come from one thread, one at a time. Writes inside `transaction` become durable together when it ends;
durable means: they survive the death of this process at any instruction (not the loss of power).
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from simulator.protocol.identifiers import Identifier
from simulator.rates import RateTable
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


class Store(Protocol):
    """Lookups answer None for what is unknown; ``add_*`` of something known is an error of the caller."""

    def transaction(self) -> AbstractContextManager[object]: ...

    def close(self) -> None: ...

    # keys, secrets, counters that outlive a process
    def kept_value(self, name: str) -> bytes | None: ...

    def keep_value(self, name: str, content: bytes) -> None: ...

    # companies
    def put_company(self, company: Company) -> None: ...

    def company(self, nip: str) -> Company | None: ...

    def companies(self) -> Sequence[Company]:
        """All companies by NIP."""
        ...

    def put_self_billing(self, *, seller_nip: str, buyer_nip: str) -> None:
        """The seller lets the buyer issue invoices in the seller's name."""
        ...

    def self_billing_granted(self, *, seller_nip: str, buyer_nip: str) -> bool: ...

    # KSeF tokens
    def put_token(self, token: KsefToken) -> None: ...

    def token(self, reference: str) -> KsefToken | None: ...

    def token_with_digest(self, digest: str) -> KsefToken | None: ...

    # logins
    def add_challenge(self, challenge: Challenge, *, forget_before: datetime) -> None:
        """Keep a challenge; challenges issued before ``forget_before`` may be dropped on the way."""
        ...

    def take_challenge(self, challenge: str) -> Challenge | None:
        """The challenge, once: it is gone afterwards."""
        ...

    def put_login(self, login: Login) -> None: ...

    def login(self, reference: str) -> Login | None: ...

    # sessions
    def add_session(self, session: Session) -> None: ...

    def session(self, reference: str) -> Session | None: ...

    def close_session(self, reference: str, *, at: datetime) -> None: ...

    def sessions(
        self, *, context: Identifier | None, before_seq: int | None, limit: int
    ) -> Sequence[Session]:
        """Newest first, below ``before_seq``; of every context when None."""
        ...

    # invoices
    def add_invoice(self, invoice: Invoice) -> Invoice:
        """Keep an invoice and give it back with its ``seq``."""
        ...

    def last_seq(self) -> int:
        """The ``seq`` of the newest invoice, 0 when there is none."""
        ...

    def invoices_after(self, seq: int, *, limit: int) -> Sequence[Invoice]:
        """Invoices of every session in order of arrival."""
        ...

    def invoice(self, reference: str) -> Invoice | None: ...

    def invoice_with_ksef_number(self, ksef_number: str) -> Invoice | None: ...

    def last_ordinal(self, session: str) -> int:
        """How many invoices a session has received."""
        ...

    def invoices_of(
        self,
        session: str,
        *,
        after_ordinal: int,
        limit: int,
        received_by: datetime | None = None,
        failed_by: datetime | None = None,
    ) -> Sequence[Invoice]:
        """By ordinal; only those received by, or those refused by, a moment when one is given."""
        ...

    def tally(self, session: str, *, now: datetime) -> Tally: ...

    def accepted_with_key(self, key: DuplicateKey) -> Invoice | None:
        """The latest invoice with this key that has a KSeF number, or will have when its time comes."""
        ...

    def accepted_with_hash(self, file_hash: str) -> Invoice | None: ...

    def accepted_correction_of(self, file_hash: str) -> Invoice | None:
        """The accepted technical correction of a file."""
        ...

    # receipts
    def receipt(self, ksef_number: str) -> bytes | None: ...

    def keep_receipt(self, ksef_number: str, content: bytes) -> None: ...

    # a context's own request limits
    def rates(self, context: Identifier) -> RateTable | None: ...

    def put_rates(self, context: Identifier, rates: RateTable | None) -> None: ...
