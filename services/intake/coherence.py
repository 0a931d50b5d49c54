"""What must never be found in intake's tables.

Looked at: the latest refusals of the last hour, by the primary key. ``intake.identity`` is asked only by
document id: it is the one table that never gets smaller.
"""

from runtime.coherence import Check

_LATEST = 2000

_REFUSALS = """
    with latest as (
        select accepted_at, document_id, raw_sha256 from intake.refusal
        where accepted_at > now() - interval '1 hour' order by accepted_at desc limit $3
    )
    select r.document_id::text as id from latest r
    left join intake.identity i on i.document_id = r.document_id
    where r.accepted_at < now() - make_interval(secs => $2)
        and (i.document_id is null or (i.raw_sha256 = r.raw_sha256 and not i.refused))
"""


def checks() -> tuple[Check, ...]:
    """The checks of this service."""
    return (
        Check(
            name="refused-and-accepted",
            sql=_REFUSALS,
            args=(_LATEST,),
            grace_seconds=0,
            severity="critical",
            meaning="A document is kept as refused, but its id is unknown or counts as accepted with the "
            "same bytes: the ERP was told one thing and the flow does another.",
            mend="Was the database restored, or changed by hand? See `ksef-courier status DOCUMENT` for what "
            "the ERP was told, and report it as a defect with the document's log lines.",
        ),
    )
