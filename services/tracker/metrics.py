"""tracker's metrics."""

from prometheus_client import Counter, Histogram

STEPS = Counter(
    "ksef_tracker_steps", "Steps of documents' lives, by state; 'repeated' for those seen before.", ["state"]
)
TIME_TO_NUMBER = Histogram(
    "ksef_time_to_number_seconds",
    "From a document's acceptance by intake to its KSeF number.",
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600),
)
