"""Asking for verdicts and receipts of what KSeF has taken, ever more slowly, for as long as it takes."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import ksef
from runtime import log
from services.sender import metrics
from services.sender.desk import Desk, Step, claim_check, month_of
from services.sender.sessions import apply_status
from services.sender.store import Change, Submission
from services.sender.submission import State

# One list call answers for all invoices of a session; below this many, single questions are cheaper.
LIST_FROM = 4
LONGEST_SECONDS = 60.0

logger = log.get(__name__)


async def ask(desk: Desk, due: Sequence[Submission]) -> None:
    """One round of questions about everything that is due."""
    by_session: defaultdict[str, list[Submission]] = defaultdict(list)
    for submission in due:
        if submission.state is State.SENT:
            by_session[submission.session_reference or ""].append(submission)
    for session_reference, submissions in by_session.items():
        await _ask_verdicts(desk, session_reference, submissions)
    for submission in due:
        if submission.state is State.ISSUED:
            await _fetch_receipt(desk, submission)


async def _ask_verdicts(desk: Desk, session_reference: str, submissions: Sequence[Submission]) -> None:
    if len(submissions) >= LIST_FROM:
        listed = {item.reference: item for item in await desk.gateway.session_invoices(session_reference)}
    else:
        listed = {
            item.reference: item
            for item in [
                await desk.gateway.invoice_status(session_reference, submission.invoice_reference or "")
                for submission in submissions
            ]
        }
    later = []
    for submission in submissions:
        invoice = listed.get(submission.invoice_reference or "")
        if invoice is None or not await apply_status(desk, submission, invoice):
            later.append(_later(submission))
    await desk.record(later)


async def _fetch_receipt(desk: Desk, submission: Submission) -> None:
    number = submission.ksef_number or ""
    document_id = str(submission.document.document_id)
    with desk.tracing.span("upo", submission.traceparent, attributes={"document_id": document_id}):
        upo = await desk.gateway.upo_by_number(submission.session_reference or "", number)
    if upo is None:
        metrics.RECEIPTS.labels("not-yet").inc()
        await desk.record([_later(submission)])
        return
    try:
        verified = ksef.verify_upo(
            upo.xml,
            invoice_hash=submission.invoice_hash,
            ksef_number=number,
            announced_hash=upo.announced_hash,
        )
    except ksef.UpoRefused as error:
        # The invoice is issued whatever the receipt says; a damaged copy is fetched again.
        metrics.RECEIPTS.labels("refused").inc()
        logger.error("receipt_refused", document_id=document_id, fault=error.fault.name)  # noqa: TRY400
        await desk.record([_later(submission)])
        return
    metrics.RECEIPTS.labels("stored").inc()
    sha256 = hashlib.sha256(upo.xml).hexdigest()
    completed = replace(
        submission,
        state=State.COMPLETED,
        upo=claim_check(submission, sha256, len(upo.xml)),
        acquired_at=submission.acquired_at or verified.document.accepted_at,
        invoicing_mode=submission.invoicing_mode or verified.document.mode,
    )
    detail: dict[str, object] = {"sha256": sha256, "signature": verified.signature.name}
    step = Step(Change(submission, completed), "receipt-stored", detail=detail)
    await desk.record([step], receipts=[(month_of(submission), upo.xml)])


def _later(submission: Submission) -> Step:
    seconds = min(LONGEST_SECONDS, 0.5 * 2.0 ** min(submission.asked, 7))
    after = replace(submission, asked=submission.asked + 1)
    return Step(Change(submission, after, seconds), "", silent=True)
