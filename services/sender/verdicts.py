"""What KSeF's status of an invoice makes of our submission. Pure.

Everything but a duplicate is decided by the status alone; whether a duplicate is our own earlier copy must be
looked up first (:mod:`services.sender.duplicates`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, assert_never

import ksef
from contracts.findings import Finding
from services.sender import findings
from services.sender.store import Submission
from services.sender.submission import State


@dataclass(frozen=True, slots=True)
class Wait:
    """No verdict yet: ask again."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The submission after the verdict; ``findings`` say why it is not what was hoped for."""

    submission: Submission
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """KSeF itself ended this attempt: the same bytes may be sent again."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class Contested:
    """The number is taken by the original named here."""

    original: ksef.Duplicate


Decision: TypeAlias = Wait | Settled | Again | Contested


def decide(submission: Submission, status: ksef.InvoiceStatus, *, max_attempts: int) -> Decision:
    """The decision over a submission that KSeF has taken."""
    told = replace(
        submission, status_code=status.code, invoicing_mode=status.mode or submission.invoicing_mode
    )
    match status.verdict:
        case ksef.Pending():
            return Wait()
        case ksef.Accepted(ksef_number=number, acquired_at=acquired_at):
            return Settled(issued(told, ksef_number=number, acquired_at=acquired_at))
        case ksef.Duplicate() as duplicate:
            return Contested(duplicate)
        case ksef.Rejected():
            return Settled(replace(told, state=State.REJECTED), (_said(findings.rejected, status),))
        case ksef.NotPermitted():
            return Settled(replace(told, state=State.REJECTED), (_said(findings.not_permitted, status),))
        case ksef.SessionFailed() | ksef.SystemFailed() | ksef.NotDecrypted():
            if submission.attempt < max_attempts:
                return Again(replace(told, state=State.READY))
            finding = findings.attempts_used_up(attempts=submission.attempt, code=status.code)
            return Settled(replace(told, state=State.PARKED), (finding,))
    assert_never(status.verdict)


def _said(finding: Callable[..., Finding], status: ksef.InvoiceStatus) -> Finding:
    return finding(code=status.code, description=status.description, details=status.details)


def issued(submission: Submission, *, ksef_number: str, acquired_at: datetime | None) -> Submission:
    """The submission with its KSeF number."""
    return replace(submission, state=State.ISSUED, ksef_number=ksef_number, acquired_at=acquired_at, asked=0)


def entry_of(submission: Submission, listed: Sequence[ksef.InvoiceStatus]) -> ksef.InvoiceStatus | None:
    """What a list says of a submission: by its reference, else by its bytes, the best answer to those."""
    if submission.invoice_reference is not None:
        return next((item for item in listed if item.reference == submission.invoice_reference), None)
    same = [item for item in listed if item.invoice_hash == submission.invoice_hash]
    return min(same, key=_how_bad, default=None)


def _how_bad(invoice: ksef.InvoiceStatus) -> int:
    match invoice.verdict:
        case ksef.Accepted():
            return 0
        case ksef.Pending():
            return 1
        case _:
            return 2


def may_be_an_earlier_one(submission: Submission, invoice: ksef.InvoiceStatus) -> bool:
    """Whether the list may still lack this post, and show an earlier one of the same bytes that failed."""
    return submission.invoice_reference is None and _how_bad(invoice) > 1
