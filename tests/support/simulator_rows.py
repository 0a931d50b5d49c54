"""Rows put into a simulator's store directly, where a test needs more of them than it can make by calls."""

from datetime import datetime, timedelta

from simulator.protocol.identifiers import Identifier
from simulator.store.rows import Session


def session_row(
    reference: str,
    *,
    nip: str,
    opened_at: datetime,
    subject: Identifier | None = None,
    closing_takes: timedelta = timedelta(0),
) -> Session:
    """An open session without invoices; opened by the company itself when no subject is given."""
    context = Identifier("Nip", nip)
    return Session(
        reference=reference,
        context=context,
        subject=subject or context,
        token_reference="",
        key=bytes(32),
        iv=bytes(16),
        opened_at=opened_at,
        valid_until=opened_at + timedelta(hours=12),
        key_judged_at=opened_at,
        closing_takes=closing_takes,
        checks_identifiers=False,
    )
