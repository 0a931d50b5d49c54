"""Waking a loop by PostgreSQL's NOTIFY. A hint only: whoever listens also looks by the clock."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from runtime.db import Connection, Database
from runtime.loops import Stopping, repeat

CHECK_SECONDS = 5.0
_NOTIFY = "select pg_notify($1, payload) from unnest($2::text[]) as payload"


async def notify(connection: Connection, channel: str, payloads: list[str]) -> None:
    """Wake whoever listens on ``channel``, when the caller's transaction commits."""
    await connection.execute(_NOTIFY, channel, payloads)


async def listen(
    database: Database, channel: str, on_payload: Callable[[str], None], *, stopping: Stopping
) -> None:
    """Call ``on_payload`` for every notification until the process stops; reconnects by itself."""

    async def step() -> float:
        connection = await database.dedicated()
        try:
            await connection.add_listener(channel, _callback(on_payload))
            while not stopping:
                await stopping.sleep(CHECK_SECONDS)
                await connection.execute("select 1")
        finally:
            with suppress(TimeoutError, OSError):
                await asyncio.wait_for(connection.close(), timeout=2)
        return 0

    await repeat(f"listen-{channel}", step, stopping=stopping)


def _callback(on_payload: Callable[[str], None]) -> Callable[..., None]:
    def callback(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
        on_payload(payload)

    return callback
