"""The submission's state machine. Pure: what may follow what.

      ┌─────────────────────┐
      │                     ▼
    ready ──► sending ──► sent ──► issued ──► completed
      ▲          │  │       │  │
      │          │  ▼       │  └─► rejected
      └──────────┴ in-doubt ┴────► parked

A submission is *sending* from before its POST until the answer is known; *in doubt* when the answer was lost.
Both leave that state only by KSeF's answer or by the final list of a closed session, never by time.
"""

from enum import StrEnum


class State(StrEnum):
    READY = "ready"
    """May be sent: never posted, or the earlier post is proven absent or failed by KSeF's own word."""
    SENDING = "sending"
    """Bound to a session; the POST may be on its way."""
    IN_DOUBT = "in-doubt"
    """The answer to the POST was lost."""
    SENT = "sent"
    """KSeF has it and gave a reference; its verdict is pending."""
    ISSUED = "issued"
    """KSeF gave the number."""
    COMPLETED = "completed"
    """The receipt is verified and stored."""
    REJECTED = "rejected"
    """KSeF refused it. Its number is free."""
    PARKED = "parked"
    """A person must decide."""


TERMINAL = frozenset({State.COMPLETED, State.REJECTED, State.PARKED})

_NEXT: dict[State, frozenset[State]] = {
    # Straight to sent: recovery found these very bytes at KSeF (the database had forgotten that).
    State.READY: frozenset({State.SENDING, State.SENT, State.PARKED}),
    # Back to ready: KSeF said that it did not process the request, or the final list of the closed session
    # lacks it.
    State.SENDING: frozenset({State.SENT, State.READY, State.IN_DOUBT, State.PARKED}),
    State.IN_DOUBT: frozenset({State.SENT, State.READY}),
    # Back to ready: KSeF itself ended this attempt (its session or its system failed).
    State.SENT: frozenset({State.SENT, State.ISSUED, State.REJECTED, State.READY, State.PARKED}),
    State.ISSUED: frozenset({State.ISSUED, State.COMPLETED}),
    State.COMPLETED: frozenset(),
    State.REJECTED: frozenset(),
    State.PARKED: frozenset(),
}


class ImpossibleTransition(Exception):
    """A defect: nothing was written."""


def check_transition(before: State, after: State) -> None:
    """Raise :class:`ImpossibleTransition` unless ``after`` may follow ``before``."""
    if after not in _NEXT[before]:
        raise ImpossibleTransition(f"a submission cannot go from {before} to {after}")
