"""mapper's metrics."""

from runtime.declared import counter, histogram

DOCUMENTS = counter("ksef_mapper_documents", "Documents by verdict.", verdict=("mapped", "refused"))
MAP_SECONDS = histogram(
    "ksef_mapper_map_seconds",
    "Time to map one batch, off the event loop.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
