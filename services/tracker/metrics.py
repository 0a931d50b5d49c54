"""tracker's metrics."""

from contracts.sales import State
from runtime.declared import counter, gauge, histogram

REPEATED, UNKNOWN = "repeated", "unknown"
PENDING = tuple(
    str(state) for state in (State.ACCEPTED, State.MAPPED, State.WAITING, State.ADMITTED, State.SENT)
)
"""The states of a document that has no outcome yet."""

STEPS = counter(
    "ksef_tracker_steps",
    "Steps of documents' lives, by state; repeated: seen before; unknown: a state of a newer version.",
    state=(*(str(state) for state in State), REPEATED, UNKNOWN),
)
TIME_TO_NUMBER = histogram(
    "ksef_time_to_number_seconds",
    "From a document's acceptance by intake to its KSeF number.",
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600),
)
PENDING_DOCUMENTS = gauge(
    "ksef_tracker_pending_documents",
    "Documents without an outcome, by where they stand; the 10,000 oldest are counted. Every tracker says "
    "the same: take the maximum.",
    state=(*PENDING, UNKNOWN),
)
OLDEST_PENDING = gauge(
    "ksef_tracker_oldest_pending_seconds",
    "Time since intake accepted the oldest of them; 0 when there is none.",
    state=(*PENDING, UNKNOWN),
)
