"""Who may have a number: the decision, without the database. Pure.

A number (seller NIP, kind, number) is *held* while its holder's fate is unknown, *issued* once KSeF accepted
it, *free* after a rejection. While it is held a newcomer waits, even one with the same content: the holder
may yet be rejected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from contracts.findings import Finding
from services.validator import findings


@dataclass(frozen=True, slots=True, order=True)
class Fingerprint:
    """KSeF's duplicate key. The number's white space is collapsed, as the schema's ``token`` type does."""

    seller_nip: str
    kind: str
    number: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A document that wants its number."""

    document_id: UUID
    content_hash: bytes
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Holding:
    """A fingerprint's row."""

    state: Literal["held", "issued", "free"]
    document_id: UUID
    content_hash: bytes
    ksef_number: str | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """It holds the number now."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody else holds the number; nobody knows yet how that ends."""

    holder: UUID


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not be sent."""

    findings: tuple[Finding, ...]


Verdict: TypeAlias = Admitted | Waiting | Refused


def decide(claim: Claim, holding: Holding) -> Verdict:
    """The verdict over a claim whose number has a row already."""
    match holding.state:
        case "free":
            return Admitted()
        case "held":
            return Waiting(holding.document_id)
        case "issued":
            return Refused((_why_not(claim, holding),))


def after_issue(holding: Holding, waiting: Sequence[Claim]) -> list[Refused]:
    """The verdicts over those who waited for a number that has now been issued, in their order."""
    return [Refused((_why_not(claim, holding),)) for claim in waiting]


def after_rejection(waiting: Sequence[Claim]) -> list[Verdict]:
    """The verdicts over those who waited for a number that is free again: the first gets it."""
    if not waiting:
        return []
    first, *others = waiting
    return [Admitted(), *(Waiting(first.document_id) for _ in others)]


def _why_not(claim: Claim, holding: Holding) -> Finding:
    if claim.content_hash == holding.content_hash:
        return findings.exact_duplicate(of=holding.document_id, ksef_number=holding.ksef_number)
    return findings.numbering_conflict(
        number=claim.fingerprint.number, with_=holding.document_id, ksef_number=holding.ksef_number
    )
