"""The outbox: events written in the transaction that makes them true, moved to Kafka afterwards.

Each service that needs one has a table ``<schema>.outbox`` (see ``TABLE``). The relay deletes rows and
publishes them inside one transaction: a crash publishes some of them twice, never none; their event ids are
the same, so that consumers drop the second.

Rows leave in the order of their ids, so the events of one key stay in order when the transactions that write
them take turns, as those do that lock the same row first. For the same reason one relay works at a time;
which process it belongs to does not matter.
"""

import asyncio
import json
from collections.abc import Sequence

from runtime import metrics
from runtime.db import Connection, Database
from runtime.declared import begin_at_zero
from runtime.loops import Stopping, repeat
from runtime.producer import Producer, check_publishable
from runtime.records import Outbound

BATCH = 500
IDLE_SECONDS = 1.0

TABLE = """
create table {schema}.outbox (
    id          bigint generated always as identity primary key,
    topic       text        not null,
    key         bytea,
    value       bytea       not null,
    headers     text        not null,
    created_at  timestamptz not null default now()
);
"""
"""The shape a service's migration gives its outbox (a test compares)."""

_PUT = """
    insert into {schema}.outbox (topic, key, value, headers)
    select topic, key, value, headers
    from unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[]) with ordinality
        as new (topic, key, value, headers, position)
    order by position
"""
# Two relays side by side would overtake each other: the later rows of a key before its first ones.
_MY_TURN = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))"
_TAKE = """
    delete from {schema}.outbox where id in (select id from {schema}.outbox order by id limit $1)
    returning id, topic, key, value, headers
"""
_OLDEST = """
    select coalesce((
        select extract(epoch from now() - created_at) from {schema}.outbox order by id limit 1), 0)
"""


class Outbox:
    """The outbox of one service."""

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self._put, self._take, self._oldest = (sql.format(schema=schema) for sql in (_PUT, _TAKE, _OLDEST))
        self._wake = asyncio.Event()

    async def put(self, connection: Connection, records: Sequence[Outbound]) -> None:
        """Write ``records`` in the caller's transaction. Call :meth:`wake` once that is committed.

        What Kafka could never take is refused here, where it costs one transaction and not the whole outbox.
        """
        for record in records:
            check_publishable(record)
        if records:
            await connection.execute(
                self._put,
                [record.topic for record in records],
                [record.key for record in records],
                [record.value for record in records],
                [_headers_text(record.headers) for record in records],
            )

    def wake(self) -> None:
        """Tell this process's relay that there is something; without it, it looks once a second."""
        self._wake.set()

    async def relay(self, database: Database, producer: Producer, *, stopping: Stopping) -> None:
        """Move events to Kafka until the process stops."""
        begin_at_zero(metrics.OUTBOX_RELAYED, worker=self.schema)

        async def step() -> float:
            try:
                moved = await self._relay_batch(database, producer)
            finally:
                # Above all when Kafka takes nothing.
                age = await database.fetchval(self._oldest)
                metrics.OUTBOX_OLDEST.labels(self.schema).set(float(age))
            return 0 if moved else IDLE_SECONDS

        await repeat(f"{self.schema}-outbox", step, stopping=stopping, wake=self._wake)

    async def _relay_batch(self, database: Database, producer: Producer) -> int:
        async with database.transaction() as connection:
            if not await connection.fetchval(_MY_TURN, f"ksef-courier.{self.schema}.outbox"):
                return 0
            rows = await connection.fetch(self._take, BATCH)
            rows.sort(key=lambda row: row["id"])
            await producer.publish(
                [Outbound(row["topic"], row["key"], row["value"], _headers(row["headers"])) for row in rows]
            )
        metrics.OUTBOX_RELAYED.labels(self.schema).inc(len(rows))
        return len(rows)


def _headers_text(headers: Sequence[tuple[str, bytes | None]]) -> str:
    return json.dumps([(name, (value or b"").decode()) for name, value in headers], ensure_ascii=False)


def _headers(text: str) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in json.loads(text)]
