"""Posting: claimed documents go out one by one, each with its stored bytes.

Invariant: between a document's claim and the record of its answer it is *sending*; what ends this process in
between leaves it so, and only its session's final list can free it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import ksef
from contracts.findings import Finding
from runtime import log
from runtime.errors import CourierError, LeaseLost
from runtime.payload import PayloadDamaged, PayloadMissing
from services.sender import findings, metrics
from services.sender.desk import Desk, Step
from services.sender.gateway import AnswerLost, Limited, NotProcessed, Sent, Taken
from services.sender.sessions import key_of
from services.sender.store import Change, Session, Submission
from services.sender.submission import State

RECORD_EVERY = 10
FIRST_ASK_SECONDS = 0.5
WAIT_SECONDS = 2.0
BYTES_MISSING_SECONDS = 60.0

logger = log.get(__name__)


async def send_ready(desk: Desk, session: Session) -> str | None:
    """Claim and post one batch; why the session may take no more (None: it may).

    Raises :class:`Limited` and other reasons to wait, after recording what happened before.
    """
    claimed = await _claim(desk, session)
    key = await asyncio.to_thread(key_of, desk, session)
    steps: list[Step] = []
    why: str | None = None
    stopped: CourierError | None = None
    for position, submission in enumerate(claimed):
        try:
            answer = await _post(desk, session, key, submission)
        except PayloadDamaged as error:
            logger.exception("payload_damaged", document_id=str(submission.document.document_id))
            steps.append(_parked(submission, findings.bytes_missing(what=str(error))))
            continue
        except PayloadMissing:
            # After a restore: the validator stores them again when it gets there.
            logger.exception("payload_missing", document_id=str(submission.document.document_id))
            metrics.SENDS.labels("bytes-missing").inc()
            steps += _untouched([submission], due_in_seconds=BYTES_MISSING_SECONDS)
            continue
        except LeaseLost:
            # Nothing more is ours to write: what was posted is found in the session's list.
            raise
        except CourierError as error:
            # The limit is used up, or a person is needed: this one and the rest were surely not processed.
            steps += _untouched(claimed[position:])
            stopped = error
            break
        step, why = _step(submission, answer)
        steps.append(step)
        if isinstance(answer, NotProcessed) and answer.remedy is ksef.SendRemedy.WAIT:
            steps += _untouched(claimed[position + 1 :])
            stopped = Limited(answer.reason, seconds=WAIT_SECONDS)
            break
        if why is not None:
            steps += _untouched(claimed[position + 1 :])
            break
        if desk.holder.stopping.is_set():
            steps += _untouched(claimed[position + 1 :])
            break
        if len(steps) >= RECORD_EVERY:
            await desk.record(steps)
            steps = []
    await desk.record(steps)
    if stopped is not None:
        raise stopped
    return why


async def _claim(desk: Desk, session: Session) -> Sequence[Submission]:
    """The next batch, its number confirmed outside of the database. Raises :class:`DatabaseBehind`."""
    lease, watermark = desk.holder.lease, desk.watermark
    claim = await desk.ledger.claim(
        lease, session, limit=desk.options.batch, check=partial(watermark.refuse, lease.key)
    )
    try:
        if claim.submissions:
            await watermark.advance(lease, claims=claim.number)
    except Exception:
        await desk.record(_untouched(claim.submissions))
        raise
    return claim.submissions


async def _post(desk: Desk, session: Session, key: ksef.SessionKey, submission: Submission) -> Sent:
    xml = await desk.payloads.read(submission.xml)
    document_id = str(submission.document.document_id)
    with desk.tracing.span("send", submission.traceparent, attributes={"document_id": document_id}):
        return await desk.gateway.send(session.reference or "", key.encrypt_invoice(xml))


def _step(submission: Submission, answer: Sent) -> tuple[Step, str | None]:
    """What an answer makes of a submission, and why its session may take no more, if so."""
    match answer:
        case Taken(reference=reference):
            metrics.SENDS.labels("taken").inc()
            sent = replace(submission, state=State.SENT, invoice_reference=reference)
            return Step(
                Change(submission, sent, FIRST_ASK_SECONDS), "sent", detail={"reference": reference}
            ), None
        case AnswerLost(reason=reason):
            metrics.SENDS.labels("answer-lost").inc()
            logger.warning("answer_lost", document_id=str(submission.document.document_id), reason=reason)
            in_doubt = replace(submission, state=State.IN_DOUBT)
            return Step(Change(submission, in_doubt), "answer-lost", detail={"reason": reason}), "answer-lost"
        case NotProcessed(remedy=remedy, reason=reason):
            metrics.SENDS.labels("not-processed").inc()
            return _not_processed(submission, remedy, reason)


def _not_processed(submission: Submission, remedy: ksef.SendRemedy, reason: str) -> tuple[Step, str | None]:
    if remedy in (ksef.SendRemedy.FIX_CLIENT, ksef.SendRemedy.UNKNOWN):
        return _parked(submission, findings.request_refused(what=reason)), None
    # Neither a post that KSeF has not processed nor one that never left counts as an attempt.
    ready = replace(submission, state=State.READY, attempt=submission.attempt - 1)
    why = None if remedy is ksef.SendRemedy.WAIT else remedy.name
    return Step(Change(submission, ready), "not-processed", detail={"reason": reason}), why


def _parked(submission: Submission, finding: Finding) -> Step:
    return Step(Change(submission, replace(submission, state=State.PARKED)), "parked", (finding,))


def _untouched(submissions: Sequence[Submission], *, due_in_seconds: float = 0.0) -> list[Step]:
    """Claimed, but surely not posted: free again."""
    return [
        Step(
            Change(
                submission,
                replace(submission, state=State.READY, attempt=submission.attempt - 1),
                due_in_seconds,
            ),
            "not-posted",
        )
        for submission in submissions
    ]
