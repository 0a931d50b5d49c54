"""Putting dead letters on their topics and documents into the sender's hands, for tests of what people do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiokafka import ConsumerRecord

from contracts.base import Message
from contracts.envelope import Event
from contracts.sales import DocumentRef
from runtime.db import Database
from runtime.dead_letters import letter
from runtime.producer import open_producer
from runtime.records import DeadLetter, Outbound, outbound
from services.sender.handlers import TakingOver
from services.sender.submission import State
from tests.support.commands import Ended, run
from tests.support.flow import admitted, consumed
from tests.support.kit import Headers, Kafka

BAD = DeadLetter("handler-error")
FAILED_AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
SERVICES = ("intake", "mapper", "validator", "sender", "tracker")

_KNOWN = """
    insert into intake.identity (document_id, raw_sha256, accepted_at, created_at, refused)
    values ($1, '', $2, $2, false)
"""
_STAND = "update sender.submission set state = $2 where document_id = $1"


@dataclass(frozen=True)
class GivenUp:
    """A record that a worker gives up. ``topic`` is without prefix, unless ``prefix`` is another one's."""

    service: str
    topic: str
    key: bytes | None = b"k"
    value: bytes | None = b"v"
    headers: Headers = ()
    about: DeadLetter = BAD
    failed_at: datetime = FAILED_AT
    offset: int = 0
    prefix: str | None = None

    def letter(self, prefix: str) -> Outbound:
        record = ConsumerRecord(
            topic=(prefix if self.prefix is None else self.prefix) + self.topic,
            partition=0,
            offset=self.offset,
            timestamp=1_767_603_600_000,
            timestamp_type=0,
            key=self.key,
            value=self.value,
            checksum=None,
            serialized_key_size=-1,
            serialized_value_size=-1,
            headers=tuple(self.headers),
        )
        return letter(record, self.about, service=self.service, failed_at=self.failed_at)


def given_up(service: str, event: Event[Message]) -> GivenUp:
    """An event of ours that a worker gives up."""
    out = outbound(event)
    return GivenUp(service, out.topic, key=out.key, value=out.value, headers=out.headers)


@dataclass(frozen=True)
class Post:
    """One installation's dead letters, and what a person can do with them."""

    kafka: Kafka
    pool: Database
    environ: Mapping[str, str]

    async def put(self, *given_up: GivenUp) -> None:
        """Workers give up records, in this order."""
        async with open_producer(self.kafka.settings, client_id="test") as producer:
            await producer.publish([item.letter(self.kafka.prefix) for item in given_up])

    async def sender_has(self, document: DocumentRef, state: State) -> None:
        """The sender took a document over, and stands like this with it."""
        await self.pool.execute(_KNOWN, document.document_id, document.accepted_at)
        await TakingOver(database=self.pool)([consumed(admitted(document))])
        await self.pool.execute(_STAND, document.document_id, state.value)

    async def command(self, *arguments: str) -> Ended:
        return await run(self.environ, "dead-letters", *arguments)

    async def listed(self, *filters: str) -> list[dict[str, Any]]:
        """What ``list --json`` says."""
        ended = await self.command("list", "--json", *filters)
        assert ended.code == 0, ended.err
        rows: list[dict[str, Any]] = json.loads(ended.out)
        return rows

    async def redrive(self, *options: str) -> str:
        """What a redrive says that is carried out."""
        ended = await self.command("redrive", "--yes", "--reason", "mended", "--as", "anna", *options)
        assert ended.code == 0, ended.err
        return ended.out

    async def redriven(self, topic: str, count: int) -> Sequence[ConsumerRecord]:
        """All records of a topic, which are so many."""
        records = await self.kafka.read(topic, count) if count else []
        assert await self.kafka.count(topic) == count
        return records


def erp_ref(document_id: UUID, *, accepted_at: datetime) -> DocumentRef:
    """A document under an id of its own."""
    return DocumentRef(
        document_id=document_id,
        source="erp",
        erp_document_id="any",
        revision="1",
        company_nip="7010000117",
        accepted_at=accepted_at,
    )
