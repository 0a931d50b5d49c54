"""What must never be found in validator's tables.

Looked at: numbers that are held and documents that wait, both by partial indexes; as many rows as documents
are under way.
"""

from runtime.coherence import Check, outbox_check

_OLDEST = 2000
_GRACE_SECONDS = 60.0

# The longest held ones: who holds a number for nothing holds it for ever, and comes among them.
_HELD = """
    with held as materialized (
        select seller_nip, kind, number, document_id from validator.fingerprint
        where state = 'held' and changed_at < now() - make_interval(secs => $2)
        order by changed_at limit $3
    )
    select f.document_id::text as id from held f
    where not exists (
        select 1 from validator.document d
        where d.document_id = f.document_id and d.verdict = 'admitted'
            and (d.seller_nip, d.kind, d.number) = (f.seller_nip, f.kind, f.number)
    )
"""
_WAITING = """
    select d.document_id::text as id from validator.document d
    left join validator.fingerprint f
        on (f.seller_nip, f.kind, f.number) = (d.seller_nip, d.kind, d.number)
    where d.verdict = 'waiting' and d.decided_at < now() - make_interval(secs => $2)
        and (f.state is distinct from 'held' or f.document_id is distinct from d.waits_for)
"""


def checks() -> tuple[Check, ...]:
    """The checks of this service."""
    return (
        Check(
            name="number-held-by-nobody",
            sql=_HELD,
            args=(_OLDEST,),
            grace_seconds=_GRACE_SECONDS,
            severity="critical",
            meaning="An invoice number is held by a document that does not exist or was not admitted: "
            "whoever wants that number waits for ever.",
            mend="Was the database restored, or changed by hand? Find the number in validator.fingerprint "
            "by the document's id, and what the sender's journal knows of that document. If KSeF never had "
            "the number it may be set free; that is a decision of a person.",
        ),
        Check(
            name="waits-for-a-known-fate",
            sql=_WAITING,
            grace_seconds=_GRACE_SECONDS,
            severity="critical",
            meaning="A document waits for an invoice number whose holder's fate is known, or for somebody "
            "who does not hold it: nobody will decide about it.",
            mend="Setting back the validator's group on sales.document.status.v1 to a time before the "
            "holder's end makes it decide again, and changes nothing else. Then report it as a defect.",
        ),
        outbox_check("validator"),
    )
