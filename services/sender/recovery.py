"""After the database was restored, or lost its last commits: KSeF is asked before anything more is sent.

Invariant: no document is posted while a session that KSeF opened since the lost time has not been ended and
listed. What those lists hold is adopted by hash; everything else is thereby proven absent and may be sent.

Sessions of other programs that use the same context are ended too: an open session proves nothing.
"""

from datetime import datetime, timedelta

import ksef
from runtime import log
from services.sender import metrics, recovery_store
from services.sender.announce import announce
from services.sender.desk import Desk
from services.sender.watermark import DatabaseBehind

# KSeF's clock and the database's may differ; a session listed without need costs two calls.
CLOCK_SKEW = timedelta(hours=1)
# How far back to look when the database knows of no claim at all: longer than a backup should be old.
UNKNOWN_DAYS = 31
ADOPT_LIMIT = 500

logger = log.get(__name__)


async def refuse_to_send(desk: Desk, behind: DatabaseBehind) -> None:
    """Give the lease up and have the context looked up, by whoever takes it next."""
    metrics.DATABASE_BEHIND.inc()
    since = await recovery_store.fall_behind(
        desk.ledger, desk.holder.lease, kept=behind.kept, unknown_days=UNKNOWN_DAYS
    )
    logger.critical(
        "database_behind",
        context=desk.holder.key,
        error=str(behind),
        since=str(since),
        next_step="`ksef-courier recover --since <time of the backup>` brings forgotten documents back",
    )


async def list_sessions(desk: Desk, *, since: datetime) -> None:
    """Ask KSeF for every session since then, and take those into the book that must be ended and listed.

    Online ones: we open no others.
    """
    created_from = since - CLOCK_SKEW
    listed = await desk.gateway.sessions(ksef.SessionType.ONLINE, created_from=created_from)
    unknown = await recovery_store.add_sessions(desk.ledger, desk.holder.lease, listed)
    logger.info("sessions_listed", context=desk.holder.key, listed=len(listed), unknown=unknown)


async def adopt_found(desk: Desk) -> bool:
    """Ready documents whose bytes are at KSeF become sent; whether there were any."""
    at = desk.clock()
    async with desk.ledger.fenced(desk.holder.lease) as connection:
        adopted = await recovery_store.adopt(connection, desk.holder.lease, limit=ADOPT_LIMIT)
        await desk.outbox.put(
            connection, [record for submission in adopted for record in announce(submission, at=at)]
        )
    if not adopted:
        return False
    desk.outbox.wake()
    metrics.RECONCILED.labels("adopted").inc(len(adopted))
    for submission in adopted:
        logger.info("found_at_ksef", document_id=str(submission.document.document_id))
    return True
