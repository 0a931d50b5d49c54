"""PostgreSQL: there, safe, and with the schema of this version; and the master key against what it sealed."""

import asyncio
from collections.abc import Mapping
from typing import Any

from cli.doctor.findings import Findings, ok, problem, warning
from cli.doctor.installation import APPLICATION, Installation
from runtime import migrate
from runtime.db import connect
from runtime.errors import ConfigurationError, OperatorNeeded
from runtime.secrets import Sealer
from services import MIGRATED
from services.sender.books import newest_sealed_key

OLDEST_MAJOR = 15
_NEW_KEY = "ksef-courier secrets new-key, into KSEF_SECRETS__MASTER_KEY or the file of …_FILE"

_FACTS = """
    select current_setting('server_version_num')::integer / 10000 as major,
        pg_is_in_recovery() as standby,
        current_setting('default_transaction_read_only') as read_only,
        current_setting('synchronous_commit') as synchronous_commit,
        current_setting('fsync') as fsync,
        current_setting('full_page_writes') as full_page_writes,
        current_setting('max_connections')::integer as max_connections
"""


async def postgres(installation: Installation) -> Findings:
    """Reachable, writable, and what it has committed survives a power cut."""
    settings = installation.settings
    connection = await connect(settings.postgres, application_name=APPLICATION)
    try:
        facts: Mapping[str, Any] = await connection.fetchrow(_FACTS)
    finally:
        await connection.close()
    if facts["standby"] or facts["read_only"] == "on":
        yield problem(
            "PostgreSQL takes no writes: it is a standby, or read-only",
            mend="let KSEF_POSTGRES__DSN name the primary (target_session_attrs=read-write)",
        )
    else:
        yield ok(f"PostgreSQL {facts['major']} answers and takes writes")
    if facts["major"] < OLDEST_MAJOR:
        yield warning(
            f"PostgreSQL {facts['major']} is older than what this version is tested with",
            mend=f"upgrade to {OLDEST_MAJOR} or newer",
        )
    unsafe = [name for name in ("synchronous_commit", "fsync", "full_page_writes") if facts[name] == "off"]
    for name in unsafe:
        find = problem if settings.environment == "production" else warning
        yield find(
            f"{name} is off: a crash of the database's machine may lose what was acknowledged",
            mend=f"set {name}=on; what is lost must be recovered from KSeF",
        )
    if facts["max_connections"] < (needed := settings.postgres.pool_size * 6):
        yield warning(
            f"max_connections is {facts['max_connections']}; five workers with a pool of "
            f"{settings.postgres.pool_size} need up to {needed}",
            mend="raise max_connections, lower KSEF_POSTGRES__POOL_SIZE, or put a pooler in front",
        )


async def migrations(installation: Installation) -> Findings:
    """The schema is what this version was written for, and belongs to the same KSeF environment."""
    settings = installation.settings
    connection = await connect(settings.postgres, application_name=APPLICATION)
    try:
        known = migrate.discover(MIGRATED)
        missing = await migrate.find_missing(connection, known)
        if len(missing) < len(known):
            await migrate.check_environment(connection, settings.environment)
    except ConfigurationError as error:
        text, _, mend = str(error).rpartition(": ")
        yield problem(text, mend=mend)
        return
    finally:
        await connection.close()
    for migration in missing:
        text = f"the database lacks {migration.owner}/{migration.name}"
        if migration.phase == "pre":
            yield problem(text, mend="ksef-courier migrate")
        else:
            yield warning(text, mend="ksef-courier migrate --phase post, when the old version is gone")
    if not missing:
        yield ok(f"{len(known)} migrations are applied; the database belongs to {settings.environment}")


async def master_key(installation: Installation) -> Findings:
    """It is there, and opens what was sealed last."""
    try:
        sealer = Sealer(installation.settings.secrets.master_key)
    except ConfigurationError as error:
        yield problem(str(error), mend=_NEW_KEY)
        return
    async with installation.database() as database:
        newest = await newest_sealed_key(database)
    if newest is None:
        yield ok("the master key is well-formed; nothing was sealed with it yet")
        return
    try:
        await asyncio.to_thread(sealer.unseal, newest.key_sealed, bound_to=str(newest.session_id))
    except OperatorNeeded:
        yield problem(
            "the master key does not open the key of the newest KSeF session",
            mend="set KSEF_SECRETS__MASTER_KEY to the key that this database was used with",
        )
    else:
        yield ok("the master key opens the key of the newest KSeF session")
