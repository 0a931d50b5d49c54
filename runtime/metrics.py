"""Every metric of the kit, declared once with its meaning. Labels come from closed sets: never an id.

Services declare theirs in ``services/<service>/metrics.py`` in the same way.
"""

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter(
    "ksef_stage_records",
    "Kafka records settled by a stage, by what became of them (done, retry, dead-letter).",
    ["stage", "outcome"],
)
BATCH_SECONDS = Histogram(
    "ksef_stage_batch_seconds",
    "Time from fetching a batch to its offsets being committed.",
    ["stage"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
BATCH_FAILURES = Counter(
    "ksef_stage_batch_failures",
    "Batches given back because of an error, before a pause and another try, by class of failure.",
    ["stage", "failure"],
)
PARTITIONS_PAUSED = Counter(
    "ksef_stage_partitions_paused",
    "Times a partition was given back from a record on and paused, by class; human: it waits for a person.",
    ["stage", "failure"],
)
COMMITS_REFUSED = Counter(
    "ksef_stage_commits_refused",
    "Offset commits that the group refused after a rebalance; the records come again.",
    ["stage"],
)
STUCK = Counter(
    "ksef_stage_stuck",
    "Times the progress watchdog ended the worker: records waited, Kafka answered, and nothing moved.",
    ["stage"],
)
REBALANCES = Counter("ksef_stage_rebalances", "Times partitions were taken from a stage.", ["stage"])
MISSING = Gauge(
    "ksef_kafka_missing",
    "Topics and rights on Kafka that a worker needs and does not have; the log line names them.",
    ["service"],
)
PUBLISH_SECONDS = Histogram(
    "ksef_producer_publish_seconds",
    "Time until the broker confirmed a group of records.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 45),
)
OUTBOX_RELAYED = Counter("ksef_outbox_relayed", "Events moved from an outbox table to Kafka.", ["service"])
OUTBOX_OLDEST = Gauge(
    "ksef_outbox_oldest_seconds",
    "Age of the oldest event not yet relayed; 0 when there is none.",
    ["service"],
)
LEASES_TAKEN = Counter("ksef_leases_taken", "Leases acquired on due work.", ["service"])
LEASES_LOST = Counter(
    "ksef_leases_lost", "Leases that ran out or were taken over while work was going on.", ["service"]
)
LEASES_HELD = Gauge("ksef_leases_held", "Leases this process holds now.", ["service"])
INCOHERENT = Gauge(
    "ksef_incoherent",
    "Rows that contradict each other or have waited too long, by check; NaN when it could not be made.",
    ["service", "check"],
)
COHERENCE_CHECKED = Gauge(
    "ksef_coherence_checked_timestamp_seconds",
    "When all coherence checks of a service were made last.",
    ["service"],
)
