"""The stages, one process each. None imports another; each owns one PostgreSQL schema of its own name."""

MIGRATED = (
    "runtime",
    "services.intake",
    "services.validator",
    "services.sender",
    "services.tracker",
)
"""Packages with migrations, in the order they are applied."""

WORKERS = ("intake", "mapper", "validator", "sender", "tracker")
"""What ``ksef-courier run`` knows."""
