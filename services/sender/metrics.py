"""sender's metrics."""

from ksef import ROUTES
from runtime.declared import counter, gauge, histogram

SENDS = counter(
    "ksef_sender_sends",
    "Invoices posted to KSeF, by what came back; bytes-missing: not posted yet, for want of its bytes.",
    answer=("taken", "not-processed", "answer-lost", "bytes-missing"),
)
VERDICTS = counter(
    "ksef_sender_verdicts",
    "KSeF's verdicts over sent invoices; adopted: a duplicate of our own earlier post; failed: KSeF's own "
    "failure, sent again; conflict: a number that KSeF holds from somebody else.",
    verdict=("accepted", "adopted", "rejected", "failed", "conflict"),
)
RECONCILED = counter(
    "ksef_sender_reconciled",
    "Documents that a closed session's final list decided (found, absent), or that recovery found (adopted).",
    result=("found", "absent", "adopted"),
)
DATABASE_BEHIND = counter(
    "ksef_sender_database_behind",
    "How often the database was found older than what had been sent; see `ksef-courier recover`.",
)
SESSIONS = counter(
    "ksef_sender_sessions",
    "KSeF sessions, by what happened to them; handed-over: closed and settled before the sender left.",
    event=("opened", "closed", "handed-over"),
)
RECEIPTS = counter(
    "ksef_sender_receipts", "Receipts (UPO) asked for, by outcome.", outcome=("stored", "not-yet", "refused")
)
PAUSED = gauge(
    "ksef_sender_paused",
    "Stops by people that hold sending back now, by what they stop. Every sender says the same: take the "
    "maximum.",
    kind=("all", "context", "company"),
)
CALL_SECONDS = histogram(
    "ksef_api_call_seconds",
    "Calls to KSeF, by route and outcome; not-sent: it was not reached; lost: no answer came.",
    route=tuple(sorted(route.name for route in ROUTES)),
    outcome=("1xx", "2xx", "3xx", "4xx", "429", "5xx", "not-sent", "lost"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
