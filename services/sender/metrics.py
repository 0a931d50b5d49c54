"""sender's metrics."""

from prometheus_client import Counter, Histogram

SENDS = Counter(
    "ksef_sender_sends",
    "Invoices posted to KSeF, by what came back (taken, not-processed, answer-lost), or bytes-missing.",
    ["answer"],
)
VERDICTS = Counter(
    "ksef_sender_verdicts",
    "KSeF's verdicts over sent invoices (accepted, adopted, rejected, failed, conflict).",
    ["verdict"],
)
RECONCILED = Counter(
    "ksef_sender_reconciled",
    "Documents that a closed session's final list decided (found, absent), or that recovery found (adopted).",
    ["result"],
)
DATABASE_BEHIND = Counter(
    "ksef_sender_database_behind",
    "How often the database was found older than what had been sent; see `ksef-courier recover`.",
)
SESSIONS = Counter(
    "ksef_sender_sessions",
    "KSeF sessions, by what happened to them (opened, closed, handed-over).",
    ["event"],
)
RECEIPTS = Counter(
    "ksef_sender_receipts", "Receipts fetched, by outcome (stored, not-yet, refused).", ["outcome"]
)
CALL_SECONDS = Histogram(
    "ksef_api_call_seconds",
    "Calls to KSeF by route and outcome (2xx, 4xx, 429, 5xx, not-sent, lost).",
    ["route", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
