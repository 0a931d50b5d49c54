"""Sources and companies as applied with ``ksef-courier config apply``: read by version, kept with history.

Workers look for a new version every five seconds; a batch sees one version from beginning to end.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from contracts.config import CompanyConfig, ConfigModel, SourceConfig
from runtime import log
from runtime.db import Connection, Database
from runtime.errors import ConfigurationError
from runtime.loops import Stopping, repeat

POLL_SECONDS = 5.0

C = TypeVar("C", bound=ConfigModel)
_KINDS: Mapping[type[ConfigModel], str] = {SourceConfig: "source", CompanyConfig: "company"}

logger = log.get(__name__)

_VERSION = "select coalesce(max(version), 0) from config.revision"
_CURRENT = """
    select distinct on (kind, name) kind, name, body from config.item
    where version <= $1 order by kind, name, version desc
"""
_NEW_REVISION = "insert into config.revision (applied_by, reason) values ($1, $2) returning version"
_PUT = "insert into config.item (version, kind, name, body) values ($1, $2, $3, $4::jsonb)"
_LOCK = "lock table config.revision in share row exclusive mode"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of the configuration."""

    version: int = 0
    sources: Mapping[str, SourceConfig] = field(default_factory=dict)
    companies: Mapping[str, CompanyConfig] = field(default_factory=dict)


class ConfigCache:
    """The configuration as of the last look; ``current`` never blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading = asyncio.Lock()
        self.current = Snapshot()

    async def refresh(self) -> bool:
        """Look for a new version now; whether there was one."""
        # One reader at a time: the slower of two must not bring back the older version.
        async with self._reading:
            version = await self._database.fetchval(_VERSION)
            if version == self.current.version:
                return False
            self.current = await read(self._database, version)
        logger.info("config_read", version=version, sources=len(self.current.sources))
        return True

    async def follow(self, *, stopping: Stopping) -> None:
        async def step() -> float:
            await self.refresh()
            return POLL_SECONDS

        await repeat("config", step, stopping=stopping)


async def read(database: Database, version: int | None = None) -> Snapshot:
    """The configuration of ``version``, or the newest. Raises :class:`ConfigurationError`."""
    if version is None:
        version = await database.fetchval(_VERSION)
    items = await _items(database, version)
    return Snapshot(
        version=version, sources=_parse(items, SourceConfig), companies=_parse(items, CompanyConfig)
    )


def _parse(items: Mapping[tuple[str, str], Any], model: type[C]) -> dict[str, C]:
    found = {}
    for (kind, name), body in items.items():
        if kind != _KINDS[model]:
            continue
        try:
            # A newer version may have applied fields that this one does not know yet.
            found[name] = model.model_validate(body, extra="ignore")
        except ValidationError as error:
            raise ConfigurationError(
                f"this version cannot read the applied configuration of {kind} {name} "
                f"({log.describe(error)}): apply it again with `ksef-courier config apply`"
            ) from None
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """One file's difference to what is applied: ``added``, ``changed`` or ``removed``."""

    kind: str
    name: str
    what: str


async def apply(
    database: Database,
    *,
    sources: Mapping[str, SourceConfig],
    companies: Mapping[str, CompanyConfig],
    applied_by: str,
    reason: str | None,
    dry_run: bool = False,
) -> list[Change]:
    """Make the given files the configuration; what is not among them is removed. No change, no version."""
    wanted = {("source", name): item.model_dump(mode="json") for name, item in sources.items()}
    wanted |= {("company", name): item.model_dump(mode="json") for name, item in companies.items()}
    async with database.transaction() as connection:
        await connection.execute(_LOCK)
        current = await _items(connection, await connection.fetchval(_VERSION))
        changes = _changes(current, wanted)
        if changes and not dry_run:
            version = await connection.fetchval(_NEW_REVISION, applied_by, reason)
            for change in changes:
                body = wanted.get((change.kind, change.name))
                text = None if body is None else json.dumps(body, ensure_ascii=False)
                await connection.execute(_PUT, version, change.kind, change.name, text)
    return changes


def _changes(current: Mapping[tuple[str, str], Any], wanted: Mapping[tuple[str, str], Any]) -> list[Change]:
    changes = []
    for key in sorted(current.keys() | wanted.keys()):
        if key not in current:
            changes.append(Change(*key, "added"))
        elif key not in wanted:
            changes.append(Change(*key, "removed"))
        elif current[key] != wanted[key]:
            changes.append(Change(*key, "changed"))
    return changes


async def _items(database: Database | Connection, version: int) -> dict[tuple[str, str], Any]:
    rows = await database.fetch(_CURRENT, version)
    return {(row["kind"], row["name"]): json.loads(row["body"]) for row in rows if row["body"] is not None}
