"""KSeF sessions: opened after they were written down, closed when they are not needed or not ours any more,
and settled: their final list decides about every document whose answer was lost.

Absence is proven only here, and only by a session that KSeF calls final, whose list has as many invoices as
KSeF counts, asked for a quiet time after the close.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import ksef
from runtime import log
from runtime.errors import Transient
from services.sender import metrics
from services.sender.desk import Desk, Step
from services.sender.duplicates import settle
from services.sender.gateway import Limited
from services.sender.store import Change, Found, Session, SessionState, Submission
from services.sender.submission import State
from services.sender.verdicts import (
    Contested,
    Settled,
    Wait,
    decide,
    entry_of,
    may_be_an_earlier_one,
)

# Below this age an online session still has hours for its invoices; KSeF ends it at twelve.
SESSION_HOURS = 11
LONGEST_ASK_SECONDS = 30.0
AGAIN_SECONDS = 2.0

logger = log.get(__name__)


async def open_session(desk: Desk) -> Session:
    """A new session, its key durable before KSeF hears of it."""
    key = ksef.SessionKey.generate()
    session_id = uuid4()
    sealed = desk.sealer.seal(b"".join(key.reveal()), bound_to=str(session_id))
    session = await desk.ledger.begin_session(desk.holder.lease, session_id=session_id, key_sealed=sealed)
    try:
        opened = await desk.gateway.open_session(key)
    except Limited:
        # KSeF has opened none, and this process goes on: nobody else would ever look at it.
        await desk.ledger.change_session(
            desk.holder.lease, session, to=SessionState.VOID, event="session-void"
        )
        raise
    metrics.SESSIONS.labels("opened").inc()
    logger.info("session_opened", context=desk.holder.key, reference=opened.reference)
    return await desk.ledger.change_session(
        desk.holder.lease,
        session,
        to=SessionState.OPEN,
        event="session-opened",
        reference=opened.reference,
        valid_until=opened.valid_until,
        detail={"reference": opened.reference},
    )


def key_of(desk: Desk, session: Session) -> ksef.SessionKey:
    """The session's key, from its sealed form."""
    plain = desk.sealer.unseal(session.key_sealed, bound_to=str(session.session_id))
    return ksef.SessionKey(plain[:32], plain[32:])


async def end(desk: Desk, session: Session, *, why: str) -> Session:
    """It takes no more: durable first, then KSeF is told, by :func:`settle_session`."""
    return await desk.ledger.change_session(
        desk.holder.lease, session, to=SessionState.CLOSING, event="session-ending", detail={"why": why}
    )


async def settle_session(desk: Desk, session: Session) -> Session:
    """One step with an ended session: close it, wait for its end, read its final list."""
    reference = session.reference
    if reference is None:
        return await desk.ledger.change_session(
            desk.holder.lease, session, to=SessionState.VOID, event="session-void"
        )
    if session.state is SessionState.CLOSING:
        await desk.gateway.close_session(reference)
        metrics.SESSIONS.labels("closed").inc()
        session = await desk.ledger.change_session(
            desk.holder.lease, session, to=SessionState.CLOSED, event="session-closed"
        )
    waiting = await desk.ledger.unresolved(desk.holder.lease, session)
    if not waiting and not session.recovered:
        return await _final(desk, session)
    status = await desk.gateway.session_status(reference)
    if status.phase.is_final:
        listed = await desk.gateway.session_invoices(reference)
        if await _read_final_list(desk, session, status, listed, waiting):
            return await _final(desk, session, listed=listed)
    return await ask_later(desk, session)


async def _read_final_list(
    desk: Desk,
    session: Session,
    status: ksef.SessionStatus,
    listed: Sequence[ksef.InvoiceStatus],
    waiting: list[Submission],
) -> bool:
    """Give every waiting document its answer; False when the list cannot be trusted to be complete yet."""
    matched = [(item, entry_of(item, listed)) for item in waiting]
    quiet = await desk.ledger.seconds_since_close(session) >= desk.options.absence_quiet_seconds
    complete = quiet and len(listed) >= status.invoice_count
    undecided = 0
    for submission, invoice in matched:
        if invoice is None or (not complete and may_be_an_earlier_one(submission, invoice)):
            continue
        undecided += not await apply_status(desk, submission, invoice)
    doubtful = [item for item, invoice in matched if invoice is None or may_be_an_earlier_one(item, invoice)]
    if (doubtful or session.recovered) and not complete:
        return False
    for submission in [item for item, invoice in matched if invoice is None]:
        metrics.RECONCILED.labels("absent").inc()
        logger.info(
            "proven_absent", document_id=str(submission.document.document_id), session=status.reference
        )
        free = replace(
            submission,
            state=State.READY,
            attempt=submission.attempt - 1,
            session_reference=None,
            invoice_reference=None,
        )
        detail: dict[str, object] = {"session": status.reference, "listed": len(listed), "code": status.code}
        await desk.record([Step(Change(submission, free), "proven-absent", detail=detail)])
    return not undecided


async def apply_status(desk: Desk, submission: Submission, invoice: ksef.InvoiceStatus) -> bool:
    """Record what a session's list says of one document; whether it has its verdict now."""
    if submission.state in (State.SENDING, State.IN_DOUBT):
        metrics.RECONCILED.labels("found").inc()
        sent = replace(submission, state=State.SENT, invoice_reference=invoice.reference, asked=0)
        await desk.record([Step(Change(submission, sent), "found-in-session")])
        submission = sent
    match decide(submission, invoice, max_attempts=desk.options.max_attempts):
        case Wait():
            return False
        case Contested(original=original):
            await settle(desk, submission, original, invoice)
        case Settled(submission=after, findings=findings):
            metrics.VERDICTS.labels("accepted" if after.state is State.ISSUED else "rejected").inc()
            await desk.record([Step(Change(submission, after), str(after.state), findings)])
        case again:
            metrics.VERDICTS.labels("failed").inc()
            detail: dict[str, object] = {"code": invoice.code}
            step = Step(Change(submission, again.submission, AGAIN_SECONDS), "failed-at-ksef", detail=detail)
            await desk.record([step])
    return True


async def ask_later(desk: Desk, session: Session) -> Session:
    """Look at it again, more and more seldom."""
    seconds = min(LONGEST_ASK_SECONDS, 0.25 * 2.0**session.asked)
    return await desk.ledger.change_session(
        desk.holder.lease,
        session,
        to=session.state,
        event="",
        asked=min(session.asked + 1, 10),
        due_in_seconds=seconds,
    )


async def _final(desk: Desk, session: Session, *, listed: Sequence[ksef.InvoiceStatus] = ()) -> Session:
    found = [
        Found(invoice.invoice_hash, invoice.reference, invoice.code)
        for invoice in listed
        if session.recovered and invoice.invoice_hash is not None
    ]
    return await desk.ledger.end_session(desk.holder.lease, session, found=found)


async def ensure_usable(desk: Desk, session: Session) -> bool:
    """Whether KSeF could read the session's key: to be asked once before a backlog goes into it."""
    if session.reference is None:
        raise Transient("the session has no reference")
    status = await desk.gateway.session_status(session.reference)
    return status.phase is ksef.SessionPhase.OPEN
