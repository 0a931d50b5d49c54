"""validator's metrics."""

from runtime.declared import counter, histogram

VERDICTS = counter(
    "ksef_validator_verdicts",
    "Documents by verdict.",
    verdict=("admitted", "waiting", "refused", "seen-before"),
)
CHECK_SECONDS = histogram(
    "ksef_validator_check_seconds",
    "Time of the checks of one batch, off the event loop.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
