"""How many documents have no outcome yet, where they stand, and how old the oldest is.

The cost does not grow with the number of documents: the oldest pending ones are looked at, by their index.
"""

from runtime.db import Database
from runtime.loops import Stopping, repeat
from services.tracker import metrics

WATCH_SECONDS = 10.0

_OLDEST = 10_000
_PENDING = """
    select state, count(*) as documents, extract(epoch from now() - min(accepted_at))::float8 as seconds
    from (
        select state, accepted_at from tracker.document
        where outcome = 'pending' order by accepted_at limit $1
    ) as oldest
    group by state
"""


async def watch(database: Database, *, stopping: Stopping) -> None:
    """Keep the metrics, until the process stops."""

    async def step() -> float:
        await measure(database)
        return WATCH_SECONDS

    await repeat("pending", step, stopping=stopping)


async def measure(database: Database) -> None:
    """Set the metrics to what is pending now."""
    documents = dict.fromkeys((*metrics.PENDING, metrics.UNKNOWN), 0)
    seconds = dict.fromkeys(documents, 0.0)
    for row in await database.fetch(_PENDING, _OLDEST):
        state = row["state"] if row["state"] in metrics.PENDING else metrics.UNKNOWN
        documents[state] += row["documents"]
        seconds[state] = max(seconds[state], row["seconds"])
    for state, count in documents.items():
        metrics.PENDING_DOCUMENTS.labels(state).set(count)
        metrics.OLDEST_PENDING.labels(state).set(seconds[state])
