"""What must never be found in tracker's tables.

Looked at: pending documents (a partial index) and the latest of the last hour (the primary key). What was
wrong longer ago was found when it was new.
"""

from runtime.coherence import Check, outbox_check
from services.tracker.life import RANK
from services.tracker.settings import TrackerOptions

_LATEST = 2000

# Documents and events are written in one transaction: any difference is one too many.
_LOOKED_AT = """
    with latest as (
        (select * from tracker.document where accepted_at > now() - interval '1 hour'
         order by accepted_at desc limit $3)
        union
        (select * from tracker.document where outcome = 'pending' order by accepted_at desc limit $3)
    )
    select d.document_id::text as id from latest d
"""
_WRONG_NUMBERING = """
    cross join lateral (
        select count(*) as steps, coalesce(max(sequence), 0) as last from tracker.event e
        where e.accepted_at = d.accepted_at and e.document_id = d.document_id
    ) told
    where (told.steps, told.last) is distinct from (d.sequence::bigint, d.sequence)
        and d.updated_at < now() - make_interval(secs => $2)
"""
# As services.tracker.life decides: the highest rank counts, of equal ones the later; an unknown one never.
_WRONG_STATE = """
    left join lateral (
        select e.state from tracker.event e
        join unnest($4::text[], $5::integer[]) as known (state, rank) on known.state = e.state
        where e.accepted_at = d.accepted_at and e.document_id = d.document_id
        order by known.rank desc, e.sequence desc limit 1
    ) newest on true
    where d.state <> coalesce(newest.state, '') and d.updated_at < now() - make_interval(secs => $2)
"""
_STUCK = """
    select document_id::text as id from tracker.document
    where outcome = 'pending' and updated_at < now() - make_interval(secs => $2)
"""


def checks(options: TrackerOptions) -> tuple[Check, ...]:
    """The checks of this service."""
    return (
        Check(
            name="steps-numbered-wrongly",
            sql=_LOOKED_AT + _WRONG_NUMBERING,
            args=(_LATEST,),
            grace_seconds=0,
            severity="critical",
            meaning="A document's last sequence number is not the number of its steps: the ERP was told "
            "too much or too little.",
            mend="Compare `ksef-courier status DOCUMENT` with the rows of tracker.event. Somebody changed "
            "the tables by hand, or it is a defect: report it with the document's log lines.",
        ),
        Check(
            name="state-not-the-newest",
            sql=_LOOKED_AT + _WRONG_STATE,
            args=(_LATEST, list(RANK), list(RANK.values())),
            grace_seconds=0,
            severity="critical",
            meaning="A document's state is not that of its furthest step: `status` and the ERP's last "
            "result say something else than its history.",
            mend="Compare `ksef-courier status DOCUMENT` with the rows of tracker.event. Somebody changed "
            "the tables by hand, or it is a defect: report it with the document's log lines.",
        ),
        Check(
            name="pending-too-long",
            sql=_STUCK,
            grace_seconds=options.pending_limit_seconds,
            severity="warning",
            meaning="Documents have no outcome yet, and nothing has happened to them for longer than "
            "`KSEF_TRACKER__PENDING_LIMIT_SECONDS`.",
            mend="`ksef-courier status DOCUMENT` says where it stands. accepted, mapped: is the next worker "
            "running, and what is its lag (`ksef-courier doctor`)? waiting: look at the document it waits "
            "for. admitted, sent: look at the sender's checks.",
        ),
        outbox_check("tracker"),
    )
