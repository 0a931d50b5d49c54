"""Every metric of the kit, declared once with its meaning and the values of its labels.

Services declare theirs in ``services/<service>/metrics.py`` in the same way.
"""

from runtime.declared import Each, counter, gauge, histogram
from runtime.failures import Failure

# A refusal is a value, never an error.
_FAILURES = tuple(str(failure) for failure in Failure if failure is not Failure.REFUSAL)
_WAITS = (str(Failure.TRANSIENT), str(Failure.HUMAN))

READY = gauge(
    "ksef_worker_ready",
    "Whether `/readyz` says yes (1) or no (0).",
    service=Each.WORKER,
)
STARTED = gauge(
    "ksef_worker_started_timestamp_seconds",
    "When the process was started.",
    service=Each.WORKER,
)
RECORDS = counter(
    "ksef_stage_records",
    "Kafka records settled by a stage, by what became of them.",
    stage=Each.WORKER,
    outcome=("done", "retry", "dead-letter"),
)
BATCH_SECONDS = histogram(
    "ksef_stage_batch_seconds",
    "Time from fetching a batch to its offsets being committed.",
    stage=Each.WORKER,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
BATCH_FAILURES = counter(
    "ksef_stage_batch_failures",
    "Batches given back because of an error, before a pause and another try, by class of failure.",
    stage=Each.WORKER,
    failure=_FAILURES,
)
PARTITIONS_PAUSED = counter(
    "ksef_stage_partitions_paused",
    "Times a partition was given back from a record on and paused, by class; human: it waits for a person.",
    stage=Each.WORKER,
    failure=_WAITS,
)
COMMITS_REFUSED = counter(
    "ksef_stage_commits_refused",
    "Offset commits that the group refused after a rebalance; the records come again.",
    stage=Each.WORKER,
)
STUCK = counter(
    "ksef_stage_stuck",
    "Times the progress watchdog ended the worker: records waited, Kafka answered, and nothing moved. The "
    "process ends within seconds of it, so that it is seldom scraped; the exit code 75 tells it as well.",
    stage=Each.WORKER,
)
REBALANCES = counter("ksef_stage_rebalances", "Times partitions were taken from a stage.", stage=Each.WORKER)
LAG_RECORDS = gauge(
    "ksef_stage_lag_records",
    "Records of this process's partitions that it has not taken yet, as Kafka says, asked every half a "
    "batch's time.",
    stage=Each.WORKER,
    topic=Each.TOPIC,
)
LAG_SECONDS = gauge(
    "ksef_stage_lag_seconds",
    "Age of the oldest record of the batch taken last; 0 when nothing waits.",
    stage=Each.WORKER,
    topic=Each.TOPIC,
)
MISSING = gauge(
    "ksef_kafka_missing",
    "Topics and rights on Kafka that a worker needs and does not have; the log line names them.",
    service=Each.WORKER,
)
PUBLISH_SECONDS = histogram(
    "ksef_producer_publish_seconds",
    "Time until the broker confirmed a group of records.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 45),
)
OUTBOX_RELAYED = counter(
    "ksef_outbox_relayed", "Events moved from an outbox table to Kafka.", service=Each.WORKER
)
OUTBOX_OLDEST = gauge(
    "ksef_outbox_oldest_seconds",
    "Age of the oldest event not yet relayed; 0 when there is none.",
    service=Each.WORKER,
)
LEASES_TAKEN = counter("ksef_leases_taken", "Leases acquired on due work.", service=Each.WORKER)
LEASES_LOST = counter(
    "ksef_leases_lost",
    "Leases that ran out or were taken over while work was going on.",
    service=Each.WORKER,
)
LEASES_HELD = gauge("ksef_leases_held", "Leases this process holds now.", service=Each.WORKER)
INCOHERENT = gauge(
    "ksef_incoherent",
    "Rows that contradict each other or have waited too long, by check; NaN when it could not be made.",
    service=Each.WORKER,
    check=Each.CHECK,
)
COHERENCE_CHECKED = gauge(
    "ksef_coherence_checked_timestamp_seconds",
    "When all coherence checks of a service were made last.",
    service=Each.WORKER,
)

OF_A_STAGE = (RECORDS, BATCH_FAILURES, PARTITIONS_PAUSED, COMMITS_REFUSED, STUCK, REBALANCES)
"""The counters of whoever consumes."""
OF_DUE_WORK = (LEASES_TAKEN, LEASES_LOST)
"""The counters of whoever holds leases."""
