"""How far sending has got, on a real compacted topic: confirmed, read to its end, compared."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from contracts.events import ADVANCED
from runtime.errors import ConfigurationError
from runtime.lease import Lease
from runtime.producer import open_producer
from services.sender.watermark import DatabaseBehind, Watermark, kept_watermarks, open_watermark
from tests.support.flow import AT
from tests.support.kit import Kafka

CONTEXT = "Nip:7010000117"
OTHER = "Nip:7020000225"


def lease(key: str = CONTEXT, *, fence: int = 1) -> Lease:
    return Lease(key=key, fence=fence, deadline=0.0)


@asynccontextmanager
async def a_watermark(kafka: Kafka) -> AsyncIterator[Watermark]:
    async with (
        open_producer(kafka.settings, client_id="test") as producer,
        open_watermark(kafka.settings, producer, clock=lambda: AT) as watermark,
    ):
        yield watermark


@pytest.fixture
async def topic(kafka: Kafka) -> Kafka:
    await kafka.create(ADVANCED, configs={"cleanup.policy": "compact"})
    return kafka


async def test_a_database_that_knows_all_claims_may_send(topic: Kafka) -> None:
    async with a_watermark(topic) as ours:
        await ours.check(CONTEXT, claims=0)
        await ours.advance(lease(), claims=1)
        await ours.advance(lease(), claims=2)

        await ours.check(CONTEXT, claims=2)


async def test_a_database_that_knows_fewer_claims_than_another_process_made_is_behind(topic: Kafka) -> None:
    async with a_watermark(topic) as theirs, a_watermark(topic) as ours:
        await ours.check(CONTEXT, claims=0)
        await theirs.advance(lease(fence=4), claims=1)
        await theirs.advance(lease(fence=4), claims=2)

        with pytest.raises(DatabaseBehind) as behind:
            await ours.check(CONTEXT, claims=1)

    assert (behind.value.kept.claims, behind.value.kept.fence) == (2, 4)


async def test_a_claim_that_was_made_before_is_refused_and_not_confirmed(topic: Kafka) -> None:
    async with a_watermark(topic) as ours:
        await ours.advance(lease(), claims=7)

        with pytest.raises(DatabaseBehind):
            await ours.advance(lease(), claims=7)

    assert await topic.count(ADVANCED) == 1


async def test_contexts_are_kept_apart(topic: Kafka) -> None:
    async with a_watermark(topic) as ours:
        await ours.advance(lease(OTHER), claims=9)

        await ours.check(CONTEXT, claims=0)


async def test_what_is_kept_is_the_furthest_of_every_context_whatever_else_is_on_the_topic(
    topic: Kafka,
) -> None:
    async with a_watermark(topic) as ours:
        await ours.advance(lease(), claims=1)
        await topic.produce(ADVANCED, b"not an event", None)
        await ours.advance(lease(OTHER), claims=5)
        await ours.advance(lease(), claims=2)

    kept = await kept_watermarks(topic.settings)

    assert [(advanced.context_key, advanced.claims) for advanced in kept] == [(CONTEXT, 2), (OTHER, 5)]


async def test_a_topic_that_does_not_exist_is_named_with_what_to_do(kafka: Kafka) -> None:
    async with a_watermark(kafka) as ours:
        with pytest.raises(ConfigurationError, match=rf"{ADVANCED} does not exist: .*topics apply"):
            await ours.check(CONTEXT, claims=0)
