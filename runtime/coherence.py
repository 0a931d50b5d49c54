"""The coherence auditor: do a service's tables agree with each other, does nothing wait longer than it may?

Invariants: it only reads; a check looks at open rows or at a bounded recent window, never at a whole table,
so that it costs the same at ten million documents; it never ends the worker that it runs in. A check that
cannot be answered is not counted as healthy: then ``ksef_coherence_checked_timestamp_seconds`` stands still.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Literal

import asyncpg

from runtime import log, metrics
from runtime.db import Connection, Database
from runtime.loops import Stopping, repeat

IDS_SHOWN = 5
OUTBOX_GRACE_SECONDS = 60.0
# Another process of the service had its turn just now: nothing is missed meanwhile.
_NOT_MY_TURN = 0.1

logger = log.get(__name__)

_MY_TURN = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))"
# Counting ends at a bound: beyond it the number changes nothing for whoever reads it.
_FOUND = """
    with found as materialized (select id from ({sql}) as incoherent limit 10000)
    select (select count(*) from found) as rows, array(select id from found order by id limit $1) as ids
"""
_OUTBOX = """
    select id::text as id from {schema}.outbox where created_at < now() - make_interval(secs => $2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must not be found. ``meaning`` and ``mend`` are the alert's text and its runbook entry.

    ``sql`` gives the incoherent rows, one column ``id`` (text: a document, session or context, no content);
    ``$2`` is ``grace_seconds``, from ``$3`` on come ``args``.
    """

    name: str
    sql: str = field(repr=False)
    grace_seconds: float
    """How long it may be so: what is under way is not incoherent."""
    severity: Literal["warning", "critical"]
    meaning: str
    mend: str
    args: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows a check found (at most 10000), and the first few ids."""

    rows: int = 0
    ids: tuple[str, ...] = ()


def outbox_check(service: str) -> Check:
    """Events that have become true and that nobody has been told."""
    return Check(
        name="outbox-old",
        sql=_OUTBOX.format(schema=service),
        grace_seconds=OUTBOX_GRACE_SECONDS,
        severity="critical",
        meaning=f"Events of {service} have waited in its outbox for more than a minute: whoever comes next "
        "in the flow, and the ERP, do not know yet what is already true.",
        mend="See whether Kafka takes records (`ksef-courier doctor`) and what the worker logs "
        "(`loop_waits`, loop `…-outbox`). Nothing is lost: the events leave when Kafka is back.",
    )


class Auditor:
    """Runs the checks of one service; in one process of the service at a time."""

    def __init__(self, service: str, checks: Sequence[Check], *, interval_seconds: float) -> None:
        self._service = service
        self._checks = checks
        self._interval_seconds = interval_seconds
        self._known: dict[str, Found] = {}

    async def run(self, database: Database, *, stopping: Stopping) -> None:
        """Audit every ``interval_seconds`` until the process stops."""

        async def step() -> float:
            audited = await self.audit(database)
            return self._interval_seconds * (_NOT_MY_TURN if audited is None else 1)

        await repeat("coherence", step, stopping=stopping)

    async def audit(self, database: Database) -> Mapping[str, Found | None] | None:
        """One audit: what each check found, None for one that failed; None when another process is at it."""
        async with database.transaction() as connection:
            if not await connection.fetchval(_MY_TURN, f"ksef-courier.{self._service}.coherence"):
                return None
            found = {check.name: await self._look(connection, check) for check in self._checks}
        if None not in found.values():
            metrics.COHERENCE_CHECKED.labels(self._service).set_to_current_time()
        return found

    async def _look(self, connection: Connection, check: Check) -> Found | None:
        gauge = metrics.INCOHERENT.labels(self._service, check.name)
        try:
            async with connection.transaction():  # a savepoint: the next check is made all the same
                found = await look(connection, check)
        except (asyncpg.PostgresError, TimeoutError) as error:
            if connection.is_closed():
                raise
            logger.warning("coherence_check_failed", check=check.name, error=log.describe(error))
            gauge.set(nan)
            return None
        gauge.set(found.rows)
        self._tell(check, found)
        return found

    def _tell(self, check: Check, found: Found) -> None:
        """One log line per change."""
        if found == self._known.get(check.name, Found()):
            return
        self._known[check.name] = found
        if not found.rows:
            logger.info("incoherence_gone", check=check.name)
            return
        tell = logger.error if check.severity == "critical" else logger.warning
        tell(
            "incoherence_found",
            check=check.name,
            rows=found.rows,
            ids=list(found.ids),
            grace_seconds=check.grace_seconds,
            meaning=check.meaning,
            next_step=check.mend,
        )


async def look(connection: Connection, check: Check) -> Found:
    """Make one check now."""
    row = await connection.fetchrow(_FOUND.format(sql=check.sql), IDS_SHOWN, check.grace_seconds, *check.args)
    return Found(row["rows"], tuple(row["ids"]))
