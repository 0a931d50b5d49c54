"""What must never be found in sender's tables.

Looked at: open submissions and unsettled sessions, both by partial indexes; of those that have ended, the
latest of the last hour (the primary key). Other tables are asked only by their keys.
"""

from runtime.coherence import Check, outbox_check
from services.sender.settings import SenderOptions
from services.sender.submission import State

_LATEST = 2000
_GRACE_SECONDS = 60.0
_TAKE_GRACE_SECONDS = 300.0
_OPENING_GRACE_SECONDS = 900.0
_SESSION_GRACE_SECONDS = 3600.0

STATE_AFTER: dict[str, State] = {
    "intent": State.SENDING,
    "not-posted": State.READY,
    "not-processed": State.READY,
    "answer-lost": State.IN_DOUBT,
    "proven-absent": State.READY,
    "sent": State.SENT,
    "found-in-session": State.SENT,
    "found-at-ksef": State.SENT,
    "failed-at-ksef": State.READY,
    "issued": State.ISSUED,
    "adopted": State.ISSUED,
    "receipt-stored": State.COMPLETED,
    "rejected": State.REJECTED,
    "parked": State.PARKED,
    "numbering-conflict": State.PARKED,
}
"""The state in which each of the journal's events leaves a submission. An event that is not here is not
compared."""

_ENDED_SESSION = """
    select s.document_id::text as id from sender.submission s
    left join sender.session e on e.opened_at = s.session_opened_at and e.session_id = s.session_id
    where s.state in ('sending', 'in-doubt') and s.changed_at < now() - make_interval(secs => $2)
        and (e.state is null or e.state in ('final', 'void'))
"""
_SINCE = """
    select document_id::text as id from sender.submission
    where state = any($3::text[]) and state in ('ready', 'sending', 'in-doubt', 'sent', 'issued')
        and changed_at < now() - make_interval(secs => $2)
"""
# State and journal are written in one transaction. Never claimed: nothing in the journal.
_JOURNAL = """
    with looked_at as (
        select accepted_at, document_id, state, taken_at from sender.submission
        where state in ('ready', 'sending', 'in-doubt', 'sent', 'issued')
            and (state <> 'ready' or attempt > 0)
        union all
        (select accepted_at, document_id, state, taken_at from sender.submission
         where state in ('completed', 'rejected', 'parked') and accepted_at > now() - interval '1 hour'
         order by accepted_at desc limit $5)
    )
    select s.document_id::text as id from looked_at s
    left join lateral (
        select event, at from sender.journal j where j.document_id = s.document_id and j.at >= s.taken_at
        order by at desc, entry_id desc limit 1
    ) last on true
    left join unnest($3::text[], $4::text[]) as known (event, state) on known.event = last.event
    where (last.event is null or known.state <> s.state)
        and coalesce(last.at, s.taken_at) < now() - make_interval(secs => $2)
"""
_OPENING = """
    select session_id::text as id from sender.session
    where state = 'opening' and state not in ('final', 'void')
        and opened_at < now() - make_interval(secs => $2)
"""
_OVERDUE = """
    select session_id::text as id from sender.session
    where state in ('open', 'closing', 'closed') and state not in ('final', 'void')
        -- One that recovery took into the book may have ended long before.
        and greatest(coalesce(valid_until, opened_at + interval '12 hours'), opened_at)
            < now() - make_interval(secs => $2)
"""
_NUMBER_TWICE = """
    with looked_at as (
        (select accepted_at, document_id, ksef_number from sender.submission
         where state = 'issued' limit $3)
        union
        (select accepted_at, document_id, ksef_number from sender.submission
         where accepted_at > now() - interval '1 hour' order by accepted_at desc limit $3)
    )
    select s.document_id::text as id from looked_at s
    where s.accepted_at < now() - make_interval(secs => $2) and exists (
        select 1 from sender.submission o
        where o.ksef_number = s.ksef_number and o.document_id <> s.document_id
    )
"""
_READY = """
    select c.key as id from sender.context c
    where (c.lease_owner is null or c.lease_until < now()) and exists (
        select 1 from sender.sendable s
        where s.context_key = c.key and s.next_at < now() - make_interval(secs => $2)
    )
"""
_NOT_TAKEN = """
    select key as id from sender.context
    where case when lease_owner is null then due_at else lease_until end
        < now() - make_interval(secs => $2)
"""
_FORGOTTEN = """
    select c.key as id from sender.context c
    where c.lease_owner is null and c.due_at = 'infinity' and (
        c.recover_since is not null
        or exists (
            select 1 from sender.submission s
            where s.context_key = c.key and s.state in ('sending', 'in-doubt', 'sent', 'issued')
                and s.next_at < now() - make_interval(secs => $2))
        or exists (
            select 1 from sender.sendable s
            where s.context_key = c.key and s.next_at < now() - make_interval(secs => $2))
        or exists (
            select 1 from sender.session s
            where s.context_key = c.key and s.state not in ('final', 'void')
                and s.next_at < now() - make_interval(secs => $2))
    )
"""


def checks(options: SenderOptions) -> tuple[Check, ...]:
    """The checks of this service."""
    return (*_documents(options), *_sessions(), *_contexts(options), outbox_check("sender"))


def _documents(options: SenderOptions) -> tuple[Check, ...]:
    return (
        Check(
            name="unresolved-in-ended-session",
            sql=_ENDED_SESSION,
            grace_seconds=_GRACE_SECONDS,
            severity="critical",
            meaning="Nobody knows whether KSeF has a document, and its session, which could tell, has "
            "ended or does not exist.",
            mend="Do not send it again. Look for the invoice in KSeF by its number and hash, then report it "
            "as a defect with the lines of sender.journal about it.",
        ),
        Check(
            name="undecided-too-long",
            sql=_SINCE,
            args=(["sending", "in-doubt"],),
            grace_seconds=options.in_doubt_limit_seconds,
            severity="warning",
            meaning="It is unknown for longer than `KSEF_SENDER__IN_DOUBT_LIMIT_SECONDS` whether KSeF has a "
            "document: its session has not been closed and listed.",
            mend="Is KSeF reachable (`ksef-courier doctor`), does a sender run, and what does it log about "
            "the company (`act_waits`, `operator_needed`)? The document is decided once KSeF has listed the "
            "closed session; it is never sent again before that.",
        ),
        Check(
            name="no-verdict",
            sql=_SINCE,
            args=(["sent"],),
            grace_seconds=options.verdict_limit_seconds,
            severity="warning",
            meaning="KSeF took a document and has given no verdict for longer than "
            "`KSEF_SENDER__VERDICT_LIMIT_SECONDS`.",
            mend="See KSeF's own announcements. The sender goes on asking. If other documents of the same "
            "session have verdicts, contact the ministry's support with the session's reference.",
        ),
        Check(
            name="no-receipt",
            sql=_SINCE,
            args=(["issued"],),
            grace_seconds=options.receipt_limit_seconds,
            severity="warning",
            meaning="An invoice has its KSeF number but no stored receipt (UPO) for longer than "
            "`KSEF_SENDER__RECEIPT_LIMIT_SECONDS`. It is issued all the same.",
            mend="Look for `receipt_refused` in the sender's log, and for its error rates "
            "(`ksef_sender_receipts_total`). The sender goes on asking.",
        ),
        Check(
            name="state-not-the-journals",
            sql=_JOURNAL,
            args=(list(STATE_AFTER), [str(state) for state in STATE_AFTER.values()], _LATEST),
            grace_seconds=0,
            severity="critical",
            meaning="A submission's state is not the one its journal ends in: what will be done next does "
            "not rest on what was done.",
            mend="Somebody changed the tables by hand, or they were restored apart from each other. Stop "
            "the sender for that company, find out in KSeF what is true, and report it.",
        ),
        Check(
            name="ksef-number-held-twice",
            sql=_NUMBER_TWICE,
            args=(_LATEST,),
            grace_seconds=0,
            severity="critical",
            meaning="Two documents have the same KSeF number: one of them was never issued under it.",
            mend="Read the UPO of that number: its hash says which document it belongs to. Report it as a "
            "defect with the lines of sender.journal about both.",
        ),
    )


def _sessions() -> tuple[Check, ...]:
    return (
        Check(
            name="session-not-opened",
            sql=_OPENING,
            grace_seconds=_OPENING_GRACE_SECONDS,
            severity="warning",
            meaning="A session was written down to be opened, and is neither opened nor given up.",
            mend="Nothing was sent in it. The next owner of the company's lease gives it up: does a sender "
            "run, and what does it log about the company?",
        ),
        Check(
            name="session-overdue",
            sql=_OVERDUE,
            grace_seconds=_SESSION_GRACE_SECONDS,
            severity="warning",
            meaning="KSeF has ended a session by itself, but we have not settled it: what was sent in it may "
            "lack its verdict.",
            mend="Does a sender run, and what does it log about the company (`act_waits`, "
            "`operator_needed`)? It settles the session by itself once it can ask KSeF.",
        ),
    )


def _contexts(options: SenderOptions) -> tuple[Check, ...]:
    return (
        Check(
            name="ready-not-sent",
            sql=_READY,
            grace_seconds=options.ready_limit_seconds,
            severity="warning",
            meaning="A company's documents could have been sent for longer than "
            "`KSEF_SENDER__READY_LIMIT_SECONDS`, and nobody is at it. What a person has paused, or what "
            "recovery has yet to look up, does not count.",
            mend="The sender's log says why for that company: `operator_needed` (credential, permissions: "
            "`ksef-courier doctor`), `act_waits` (KSeF is away). No such line: no sender runs.",
        ),
        Check(
            name="due-not-taken",
            sql=_NOT_TAKEN,
            grace_seconds=_TAKE_GRACE_SECONDS,
            severity="critical",
            meaning="A company's work is due, or its sender died, and no other sender has taken over.",
            mend="Start a sender (`ksef-courier run sender`). If one runs: `ksef_leases_held` says whether "
            "it has its `KSEF_SENDER__CONCURRENCY` companies already; start another one.",
        ),
        Check(
            name="work-forgotten",
            sql=_FORGOTTEN,
            grace_seconds=_GRACE_SECONDS,
            severity="critical",
            meaning="A company has work under way and no due time: no sender will ever look at it by itself.",
            mend="Any new document of the company wakes its work. Report it as a defect with the company's "
            "lines of sender.journal.",
        ),
    )
