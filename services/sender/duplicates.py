"""440: the number is taken. Ours, by proof of the hash, or somebody else's.

Equal hash: the original is our own earlier copy, and its KSeF number is this document's. Anything else, or
nothing to compare with, is a numbering conflict for a person; never renumbered, never guessed.
"""

from dataclasses import replace

import ksef
from contracts.findings import Finding
from runtime import log
from runtime.errors import OperatorNeeded
from services.sender import findings, metrics
from services.sender.desk import Desk, Step
from services.sender.store import Change, Submission
from services.sender.submission import State
from services.sender.verdicts import issued

logger = log.get(__name__)


async def settle(
    desk: Desk, submission: Submission, original: ksef.Duplicate, invoice: ksef.InvoiceStatus
) -> None:
    """Adopt the original or park the document. The proofs are asked for in the order of their cost."""
    number = original.original_ksef_number
    owner = await desk.ledger.owner_of(number) if number else None
    if owner is not None and owner != submission.document.document_id and number is not None:
        finding = findings.duplicate_of_ours(document=owner, original=number)
        await _park(desk, submission, invoice, finding_number=number, finding=finding)
        return
    proof = await _proof(desk, submission, original)
    if proof is None or number is None:
        finding = findings.conflict(original=number)
        await _park(desk, submission, invoice, finding_number=number, finding=finding)
        return
    metrics.VERDICTS.labels("adopted").inc()
    logger.info("adopted", document_id=str(submission.document.document_id), ksef_number=number, proof=proof)
    told = replace(
        submission, status_code=invoice.code, session_reference=original.original_session_reference
    )
    adopted = issued(told, ksef_number=number, acquired_at=None)
    await desk.record(
        [Step(Change(submission, adopted), "adopted", detail={"number": number, "proof": proof})]
    )


async def _proof(desk: Desk, submission: Submission, original: ksef.Duplicate) -> str | None:
    """How we know that the original has our bytes: ``session-list``, ``upo``, or None."""
    number, session = original.original_ksef_number, original.original_session_reference
    if number is None or session is None:
        return None
    try:
        listed = await desk.gateway.session_invoices(session)
    except (ksef.Refused, OperatorNeeded):
        listed = ()  # not our session, or not visible to us
    for invoice in listed:
        if isinstance(invoice.verdict, ksef.Accepted) and invoice.verdict.ksef_number == number:
            return "session-list" if invoice.invoice_hash == submission.invoice_hash else None
    try:
        upo = await desk.gateway.upo_by_number(session, number)
        if upo is None:
            return None
        ksef.verify_upo(
            upo.xml,
            invoice_hash=submission.invoice_hash,
            ksef_number=number,
            announced_hash=upo.announced_hash,
        )
    except (ksef.Refused, ksef.UpoRefused, OperatorNeeded):
        return None
    return "upo"


async def _park(
    desk: Desk,
    submission: Submission,
    invoice: ksef.InvoiceStatus,
    *,
    finding_number: str | None,
    finding: Finding,
) -> None:
    metrics.VERDICTS.labels("conflict").inc()
    parked = replace(submission, state=State.PARKED, status_code=invoice.code)
    detail: dict[str, object] = {"original": finding_number}
    await desk.record([Step(Change(submission, parked), "numbering-conflict", (finding,), detail)])
