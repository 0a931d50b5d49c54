"""What one context's work has on its desk: its lease, its gateway, and one way to record a step.

Invariant: a submission's new state, its journal line and its status event are one fenced transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from contracts.content import StoredContent
from contracts.findings import Finding
from runtime.clock import Clock
from runtime.db import first_of_month
from runtime.due import Holder
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from runtime.secrets import Sealer
from runtime.tracing import Tracing
from services.sender import store
from services.sender.announce import announce
from services.sender.gateway import Gateway
from services.sender.settings import SenderOptions
from services.sender.store import Change, Ledger, Submission
from services.sender.watermark import Watermark


@dataclass(frozen=True, slots=True)
class Step:
    """One submission's step: the change, the journal's word for it, what a person should know."""

    change: Change
    event: str
    findings: tuple[Finding, ...] = ()
    detail: dict[str, object] = field(default_factory=dict)
    silent: bool = False
    """Nothing that the ERP should hear (asking again later)."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a step needs, for as long as one lease is held."""

    holder: Holder
    ledger: Ledger
    gateway: Gateway
    payloads: PayloadStore
    outbox: Outbox
    sealer: Sealer
    tracing: Tracing
    watermark: Watermark
    clock: Clock
    options: SenderOptions

    async def record(self, steps: Sequence[Step], *, receipts: Sequence[tuple[date, bytes]] = ()) -> None:
        """Write steps, their journal and their events; ``receipts`` go into the payload store with them."""
        if not steps:
            return
        at = self.clock()
        async with self.ledger.fenced(self.holder.lease) as connection:
            await self.payloads.put(connection, receipts)
            await store.save(connection, [step.change for step in steps])
            entries = [
                store.entry_for(step.event, step.change.after, **step.detail) for step in steps if step.event
            ]
            await store.journal(connection, self.holder.lease, entries)
            published = [
                record
                for step in steps
                if not step.silent
                for record in announce(step.change.after, at=at, findings=step.findings)
            ]
            await self.outbox.put(connection, published)
        self.outbox.wake()


def month_of(submission: Submission) -> date:
    """The month whose partition keeps what belongs to this document."""
    return first_of_month(submission.document.accepted_at.date())


def claim_check(submission: Submission, raw_sha256: str, size_bytes: int) -> StoredContent:
    """Where :meth:`Desk.record` will have put a receipt of these bytes."""
    return StoredContent(stored_on=month_of(submission), sha256=raw_sha256, size_bytes=size_bytes)
