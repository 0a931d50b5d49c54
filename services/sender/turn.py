"""When a document's turn comes with the sender, for whoever asks about it. Read only."""

from dataclasses import dataclass
from datetime import datetime

from contracts.sales import DocumentRef
from runtime.db import Database
from services.sender.submission import State

# What is posted goes in the order of acceptance; what may not be sent is in nobody's way.
_TURN = """
    select s.state, s.context_key, s.attempt, s.session_reference,
        case when s.next_at > now() then s.next_at end as not_before,
        coalesce(c.lease_until > now(), false) as in_hand,
        case when c.lease_owner is null and c.due_at > now() and c.due_at < 'infinity' then c.due_at end
            as idle_until,
        case when c.rests_until > now() then c.rests_until end as rests_until, c.rests_because,
        (select count(*) from sender.sendable e where e.context_key = s.context_key
            and (e.accepted_at, e.document_id) < (s.accepted_at, s.document_id)) as ahead
    from sender.submission s left join sender.context c on c.key = s.context_key
    where s.accepted_at = $1 and s.document_id = $2
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the sender stands with a document."""

    state: State
    context_key: str
    attempt: int
    """How often KSeF took it up, while it is ready: failed with it."""
    session_reference: str | None
    not_before: datetime | None
    """It is left alone until then; None: it is due."""
    in_hand: bool
    """A sender works for its context now."""
    idle_until: datetime | None
    """Nobody works for its context before then, as after a failure; None: whoever is free may."""
    rests_until: datetime | None
    """KSeF takes nothing for its context until then, as far as is known."""
    rests_because: str | None
    """Why it took nothing the last time."""
    ahead: int
    """Documents of its context that may be sent and were accepted earlier."""


async def turn_of(database: Database, document: DocumentRef) -> Turn | None:
    """The document's turn; None before the sender has taken it over."""
    row = await database.fetchrow(_TURN, document.accepted_at, document.document_id)
    return None if row is None else Turn(**{**dict(row), "state": State(row["state"])})
