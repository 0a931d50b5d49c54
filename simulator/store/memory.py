"""The store as plain dictionaries: for tests and for a demo that may forget. Grows with every invoice."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TypeVar

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

_T = TypeVar("_T")


class MemoryStore:
    """`store.port.Store` that lasts as long as the process; a failed transaction is not undone."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._companies: dict[str, Company] = {}
        self._self_billing: set[tuple[str, str]] = set()
        self._tokens: dict[str, KsefToken] = {}
        self._tokens_by_digest: dict[str, str] = {}
        self._challenges: dict[str, Challenge] = {}
        self._logins: dict[str, Login] = {}
        self._sessions: dict[str, Session] = {}
        self._invoices: list[Invoice] = []
        self._by_session: dict[str, list[Invoice]] = {}
        self._by_reference: dict[str, Invoice] = {}
        self._by_ksef_number: dict[str, Invoice] = {}
        self._accepted_by_key: dict[DuplicateKey, Invoice] = {}
        self._accepted_by_hash: dict[str, Invoice] = {}
        self._accepted_corrections: dict[str, Invoice] = {}
        self._receipts: dict[str, bytes] = {}
        self._rates: dict[Identifier, RateTable] = {}

    def transaction(self) -> nullcontext[None]:
        return nullcontext()

    def close(self) -> None:
        """Nothing to release."""

    def kept_value(self, name: str) -> bytes | None:
        return self._values.get(name)

    def keep_value(self, name: str, content: bytes) -> None:
        self._values[name] = content

    def put_company(self, company: Company) -> None:
        self._companies[company.nip] = company

    def company(self, nip: str) -> Company | None:
        return self._companies.get(nip)

    def companies(self) -> Sequence[Company]:
        return sorted(self._companies.values(), key=lambda company: company.nip)

    def put_self_billing(self, *, seller_nip: str, buyer_nip: str) -> None:
        self._self_billing.add((seller_nip, buyer_nip))

    def self_billing_granted(self, *, seller_nip: str, buyer_nip: str) -> bool:
        return (seller_nip, buyer_nip) in self._self_billing

    def put_token(self, token: KsefToken) -> None:
        self._tokens[token.reference] = token
        self._tokens_by_digest[token.digest] = token.reference

    def token(self, reference: str) -> KsefToken | None:
        return self._tokens.get(reference)

    def token_with_digest(self, digest: str) -> KsefToken | None:
        reference = self._tokens_by_digest.get(digest)
        return None if reference is None else self._tokens[reference]

    def add_challenge(self, challenge: Challenge, *, forget_before: datetime) -> None:
        while self._challenges:
            oldest = next(iter(self._challenges.values()))
            if oldest.issued_at >= forget_before:
                break
            del self._challenges[oldest.challenge]
        self._challenges[challenge.challenge] = challenge

    def take_challenge(self, challenge: str) -> Challenge | None:
        return self._challenges.pop(challenge, None)

    def put_login(self, login: Login) -> None:
        self._logins[login.reference] = login

    def login(self, reference: str) -> Login | None:
        return self._logins.get(reference)

    def add_session(self, session: Session) -> None:
        self._sessions[session.reference] = replace(session, seq=len(self._sessions) + 1)

    def session(self, reference: str) -> Session | None:
        return self._sessions.get(reference)

    def close_session(self, reference: str, *, at: datetime) -> None:
        self._sessions[reference] = replace(self._sessions[reference], closed_at=at)

    def sessions(
        self, *, context: Identifier | None, before_seq: int | None, limit: int
    ) -> Sequence[Session]:
        found = (
            session
            for session in reversed(self._sessions.values())
            if (context is None or session.context == context)
            and (before_seq is None or session.seq < before_seq)
        )
        return _first(found, limit)

    def add_invoice(self, invoice: Invoice) -> Invoice:
        kept = replace(invoice, seq=len(self._invoices) + 1)
        self._invoices.append(kept)
        self._by_session.setdefault(kept.session, []).append(kept)
        self._by_reference[kept.reference] = kept
        if kept.ksef_number is not None:
            self._index_accepted(kept, kept.ksef_number)
        return kept

    def _index_accepted(self, invoice: Invoice, ksef_number: str) -> None:
        self._by_ksef_number[ksef_number] = invoice
        self._accepted_by_hash[invoice.hash] = invoice
        if invoice.key is not None:
            self._accepted_by_key[invoice.key] = invoice
        if invoice.corrected_hash is not None:
            self._accepted_corrections[invoice.corrected_hash] = invoice

    def last_seq(self) -> int:
        return len(self._invoices)

    def invoices_after(self, seq: int, *, limit: int) -> Sequence[Invoice]:
        return self._invoices[seq : seq + limit]

    def invoice(self, reference: str) -> Invoice | None:
        return self._by_reference.get(reference)

    def invoice_with_ksef_number(self, ksef_number: str) -> Invoice | None:
        return self._by_ksef_number.get(ksef_number)

    def last_ordinal(self, session: str) -> int:
        sent = self._by_session.get(session)
        return sent[-1].ordinal if sent else 0

    def invoices_of(
        self,
        session: str,
        *,
        after_ordinal: int,
        limit: int,
        received_by: datetime | None = None,
        failed_by: datetime | None = None,
    ) -> Sequence[Invoice]:
        sent = self._by_session.get(session, [])
        start = bisect_right(sent, after_ordinal, key=lambda invoice: invoice.ordinal)
        found = (
            invoice
            for invoice in sent[start:]
            if (received_by is None or invoice.received_at <= received_by)
            and (failed_by is None or (invoice.code != 200 and invoice.decided_at <= failed_by))
        )
        return _first(found, limit)

    def tally(self, session: str, *, now: datetime) -> Tally:
        sent = self._by_session.get(session, [])
        decided = [invoice for invoice in sent if invoice.decided_at <= now]
        accepted = sum(invoice.code == 200 for invoice in decided)
        return Tally(
            total=len(sent),
            accepted=accepted,
            failed=len(decided) - accepted,
            last_received_at=max((invoice.received_at for invoice in sent), default=None),
            last_decided_at=max((invoice.decided_at for invoice in sent), default=None),
        )

    def accepted_with_key(self, key: DuplicateKey) -> Invoice | None:
        return self._accepted_by_key.get(key)

    def accepted_with_hash(self, file_hash: str) -> Invoice | None:
        return self._accepted_by_hash.get(file_hash)

    def accepted_correction_of(self, file_hash: str) -> Invoice | None:
        return self._accepted_corrections.get(file_hash)

    def receipt(self, ksef_number: str) -> bytes | None:
        return self._receipts.get(ksef_number)

    def keep_receipt(self, ksef_number: str, content: bytes) -> None:
        self._receipts[ksef_number] = content

    def rates(self, context: Identifier) -> RateTable | None:
        return self._rates.get(context)

    def put_rates(self, context: Identifier, rates: RateTable | None) -> None:
        if rates is None:
            self._rates.pop(context, None)
        else:
            self._rates[context] = rates


def _first(items: Iterable[_T], limit: int) -> list[_T]:
    return list(islice(items, limit))
