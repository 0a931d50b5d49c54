"""Bringing the ACLs of the cluster to what :mod:`runtime.acl` derives. Safe to repeat."""

import asyncio
from collections.abc import Sequence

from aiokafka.client import AIOKafkaClient

from runtime import acl
from runtime.acl import Acl, Difference
from runtime.acl_requests import create, delete, describe, open_client
from runtime.errors import ConfigurationError
from runtime.settings import KafkaSettings

_KNOWN_SECONDS = 30


async def apply(settings: KafkaSettings, *, sources: Sequence[str], prune: bool, dry_run: bool) -> Difference:
    """Create what is missing; with ``prune`` remove what is unwanted. Returns what was found before.

    Takes a principal with Alter and Describe on the cluster; raises :class:`ConfigurationError` without.
    """
    wishes = acl.wanted(sources=sources, prefix=settings.topic_prefix)
    async with open_client(settings) as client:
        found = acl.difference(wishes, await describe(client), prefix=settings.topic_prefix)
        if not dry_run:
            removed = found.unwanted if prune else ()
            await create(client, found.missing)
            await delete(client, removed)
            await _until_known(client, created=found.missing, removed=removed)
    return found


async def _until_known(client: AIOKafkaClient, *, created: Sequence[Acl], removed: Sequence[Acl]) -> None:
    """A broker learns of an ACL a moment after it is agreed."""
    try:
        async with asyncio.timeout(_KNOWN_SECONDS):
            while not _is_so(await describe(client), created, removed):  # noqa: ASYNC110  a broker sets no Event
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise ConfigurationError(
            f"ACLs were changed, but Kafka does not show it after {_KNOWN_SECONDS} s: apply them again"
        ) from None


def _is_so(actual: Sequence[Acl], created: Sequence[Acl], removed: Sequence[Acl]) -> bool:
    return set(created) <= set(actual) and not set(removed) & set(actual)
