"""The list of a context's sessions: who sees which, filters, pages.

Pages go down by the order of opening, so a session opened while somebody pages is on no later page, and none
that was there is skipped. Filters are judged at the moment of each page.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice

from simulator.operations.call import INTROSPECTION, OWNER, Call
from simulator.operations.paging import continuation_token, continued_from
from simulator.operations.sessions import State, session_state
from simulator.protocol.identifiers import Identifier
from simulator.protocol.reading import Parameters
from simulator.protocol.statuses import COMMON_SESSION_STATUS, SESSION, status
from simulator.protocol.times import timestamp
from simulator.store.rows import Session
from simulator.wire import Response, json_response

_PAGE_MAXIMUM = 1000
_ENFORCEMENT = "EnforcementOperations"


def list_sessions(call: Call) -> Response:
    wanted = _Wanted.read(call)
    page_size = Parameters(call.request).page_size(maximum=_PAGE_MAXIMUM)
    this_list = _name_of_list(call)
    found = _found(call, wanted, below=continued_from(call.request, of=this_list))
    # One more than fits tells whether there is a next page.
    rows = list(islice(found, page_size + 1))
    page = rows[:page_size]
    content: dict[str, object] = {"sessions": [_listed(session, state) for session, state in page]}
    if len(rows) > len(page):
        content["continuationToken"] = continuation_token(page[-1][0].seq, of=this_list)
    return json_response(200, content)


def _name_of_list(call: Call) -> str:
    """What a continuation token is bound to: the context and the filters, the size of a page aside."""
    filters = sorted(
        (name.lower(), value) for name, value in call.request.query if name.lower() != "pagesize"
    )
    context = call.caller.context
    text = json.dumps([context.type, context.value, filters])
    return f"sessions {sha256(text.encode()).hexdigest()}"


def _found(call: Call, wanted: "_Wanted", *, below: int | None) -> Iterator[tuple[Session, State]]:
    for session in _sessions_below(call, below):
        if wanted.concerns(session):
            state = session_state(session, call)
            if wanted.admits(state):
                yield session, state


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The filters of a session list; bounds are inclusive."""

    own: Identifier | None
    reference: str | None
    created: tuple[datetime | None, datetime | None]
    closed: tuple[datetime | None, datetime | None]
    modified: tuple[datetime | None, datetime | None]
    statuses: frozenset[str]
    online: bool

    @classmethod
    def read(cls, call: Call) -> "_Wanted":
        parameters = Parameters(call.request)

        def bounds(name: str) -> tuple[datetime | None, datetime | None]:
            return parameters.moment(f"{name}From"), parameters.moment(f"{name}To")

        sees_all = bool(call.caller.permissions & {INTROSPECTION, _ENFORCEMENT, OWNER})
        options = tuple(dict.fromkeys(COMMON_SESSION_STATUS.values()))
        return cls(
            own=None if sees_all else call.caller.subject,
            reference=parameters.reference("referenceNumber"),
            created=bounds("dateCreated"),
            closed=bounds("dateClosed"),
            modified=bounds("dateModified"),
            statuses=parameters.choices("statuses", options),
            online=parameters.choice("sessionType", ("Online", "Batch")) == "Online",
        )

    def concerns(self, session: Session) -> bool:
        """The filters that need no counting of invoices, asked first."""
        return (
            self.online
            and (self.own is None or session.subject == self.own)
            and self.reference in (None, session.reference)
            and _within(session.opened_at, self.created)
        )

    def admits(self, state: State) -> bool:
        return (
            _within(state.closed_at, self.closed)
            and _within(state.updated_at, self.modified)
            and (not self.statuses or COMMON_SESSION_STATUS[state.code] in self.statuses)
        )


def _within(moment: datetime | None, bounds: tuple[datetime | None, datetime | None]) -> bool:
    earliest, latest = bounds
    if moment is None:
        return earliest is None and latest is None
    return (earliest is None or moment >= earliest) and (latest is None or moment <= latest)


def _sessions_below(call: Call, before: int | None) -> Iterator[Session]:
    """All sessions of the caller's context, newest first, read page by page."""
    while True:
        found = call.store.sessions(context=call.caller.context, before_seq=before, limit=_PAGE_MAXIMUM)
        yield from found
        if len(found) < _PAGE_MAXIMUM:
            return
        before = found[-1].seq


def _listed(session: Session, state: State) -> dict[str, object]:
    return {
        "referenceNumber": session.reference,
        "status": status(state.code, SESSION, details=state.details),
        "dateCreated": timestamp(session.opened_at),
        "dateUpdated": timestamp(state.updated_at),
        "validUntil": timestamp(session.valid_until),
        "totalInvoiceCount": state.tally.total,
        "successfulInvoiceCount": state.tally.accepted,
        "failedInvoiceCount": state.tally.failed,
    }
