"""intake's metrics."""

from runtime.declared import counter

DOCUMENTS = counter(
    "ksef_intake_documents",
    "Documents found in records, by verdict.",
    verdict=("accepted", "refused", "seen-before", "revision-reused"),
)
