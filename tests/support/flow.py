"""Making the messages of the sales flow, for tests that drive one stage's handler."""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

from contracts.base import Message
from contracts.config import AddressConfig, CompanyConfig, ContextConfig, SourceConfig, TokenCredentialConfig
from contracts.content import StoredContent, inline
from contracts.envelope import Event, decode
from contracts.events import ADMITTED, MAPPED, STATUS
from contracts.sales import (
    DocumentAdmitted,
    DocumentRef,
    DocumentStatus,
    InvoiceFacts,
    InvoiceMapped,
    KsefProgress,
    State,
)
from runtime.config import ConfigCache, Snapshot
from runtime.db import Database
from runtime.records import Done, Inbound, Outbound, Outcome, outbound
from runtime.tracing import Tracing

NIP = "7010000117"
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
# A moment whose partitions exist: the same for the whole run, since it is part of a document's identity.
ACCEPTED_AT = datetime.now(UTC).replace(microsecond=0)


def tracing() -> Tracing:
    """Carries traces on, records none."""
    return Tracing(None, sample_ratio=0.0, rng=random.Random(1))  # noqa: S311  no secret


def configured(database: Database) -> ConfigCache:
    """One source that may speak for one company; as if it had been read."""
    company = CompanyConfig(
        nip=NIP,
        name="Huta Bursztyn",
        address=AddressConfig(line1="Piecowa 7"),
        context=ContextConfig(value=NIP, credential=TokenCredentialConfig(token="env:KSEF_TOKEN")),
    )
    source = SourceConfig(source="erp", companies=(NIP,))
    cache = ConfigCache(database)
    cache.current = Snapshot(version=0, sources={"erp": source}, companies={NIP: company})
    return cache


def record(value: bytes, *, topic: str = "erp.erp.sales.v1", offset: int = 0, at: datetime = AT) -> Inbound:
    """What an ERP published, without headers."""
    return Inbound(
        topic=topic,
        partition=0,
        offset=offset,
        key=None,
        value=value,
        headers={},
        raw_headers=(),
        timestamp=at,
    )


def consumed(event: Event[Message]) -> Inbound:
    """An event as a stage gets it."""
    out = outbound(event)
    return replace(
        record(out.value, topic=out.topic),
        key=out.key,
        headers={name: (text or b"").decode() for name, text in out.headers},
    )


def published(outcomes: Sequence[Outcome]) -> list[Event[Message]]:
    """The events that a handler wants published."""
    return [as_event(out) for outcome in outcomes if isinstance(outcome, Done) for out in outcome.publish]


def as_event(out: Outbound) -> Event[Message]:
    return decode({name: (text or b"").decode() for name, text in out.headers}, out.value)


async def outbox_of(database: Database, schema: str) -> list[Event[Message]]:
    """The events waiting in a service's outbox, in order."""
    rows = await database.fetch(f"select value, headers from {schema}.outbox order by id")  # noqa: S608
    return [decode(dict(json.loads(row["headers"])), row["value"]) for row in rows]


def ref(number: int) -> DocumentRef:
    """Document ``number``; a higher one was accepted later."""
    return DocumentRef(
        document_id=UUID(int=number),
        source="erp",
        erp_document_id=str(number),
        revision="1",
        company_nip=NIP,
        accepted_at=ACCEPTED_AT.replace(microsecond=number),
    )


def facts(number: str = "FV/1") -> InvoiceFacts:
    return InvoiceFacts(
        seller_nip=NIP,
        kind="VAT",
        number=number,
        issued_on=date(2026, 11, 2),
        currency="PLN",
        gross="12.30",
    )


def mapped(document: DocumentRef, *, xml: bytes, number: str = "FV/1") -> Event[Message]:
    """An invoice that the mapper has mapped; equal XML is equal content."""
    data = InvoiceMapped(
        document=document,
        facts=facts(number),
        content_hash=hashlib.sha256(xml).hexdigest(),
        xml=inline(xml),
    )
    return _event(data, MAPPED, document, cause="mapped")


def admitted(document: DocumentRef, *, number: str = "FV/1", context: str = NIP) -> Event[Message]:
    check = StoredContent(
        sha256="ab" * 32, size_bytes=3, stored_on=document.accepted_at.date().replace(day=1)
    )
    data = DocumentAdmitted(
        document=document,
        facts=facts(number),
        content_hash="cd" * 32,
        xml=check,
        context_value=context,
    )
    return _event(data, ADMITTED, document, cause="admitted")


def told(
    document: DocumentRef, state: State, *, stage: str = "sender", ksef_number: str | None = None
) -> Event[Message]:
    """A status event."""
    data = DocumentStatus(
        document=document,
        stage=stage,
        state=state,
        at=AT,
        facts=facts(),
        ksef=KsefProgress(ksef_number=ksef_number) if ksef_number else None,
    )
    return _event(data, STATUS, document, cause=f"{stage}:{state}")


def _event(data: Message, type_: str, document: DocumentRef, *, cause: str) -> Event[Message]:
    return Event(
        id=UUID(bytes=hashlib.md5(f"{document.document_id}{cause}".encode()).digest()),  # noqa: S324
        type=type_,
        source="test",
        subject=document.document_id,
        at=AT,
        data=data,
        causation_id=None,
        traceparent=None,
    )
