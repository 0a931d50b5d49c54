"""intake's metrics."""

from prometheus_client import Counter

DOCUMENTS = Counter(
    "ksef_intake_documents",
    "Documents found in records, by verdict (accepted, refused, seen-before, revision-reused).",
    ["verdict"],
)
