"""mapper's metrics."""

from prometheus_client import Counter, Histogram

DOCUMENTS = Counter("ksef_mapper_documents", "Documents by verdict (mapped, refused).", ["verdict"])
MAP_SECONDS = Histogram(
    "ksef_mapper_map_seconds",
    "Time to map one batch, off the event loop.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
