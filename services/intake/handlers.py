"""Record → documents → verdicts. The batch is one transaction; see docs/architecture/walk.md, step 2."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from contracts import events
from contracts.base import Message
from contracts.content import StoredContent
from contracts.envelope import TRACEPARENT, Event, caused
from contracts.findings import Finding
from contracts.sales import DocumentAccepted, DocumentRef, DocumentStatus, Origin, State
from runtime.config import ConfigCache, Snapshot
from runtime.db import Connection, Database, first_of_month
from runtime.payload import PayloadStore, by_value_or_check
from runtime.records import Done, Inbound, Outbound, Outcome, Retry, outbound
from runtime.topics import source_of
from runtime.tracing import Tracing
from services.intake import findings, metrics, store
from services.intake.envelope import Candidate, split
from services.intake.store import Identity, Refusal

STAGE = "intake"
UNKNOWN_SOURCE_SECONDS = 5.0
# The events of one cause keep these places for ever: they are part of the event ids.
_ACCEPTED_EVENT, _ACCEPTED_STATUS, _REFUSED_STATUS, _REUSED_STATUS = range(4)


@dataclass(frozen=True, slots=True)
class Found:
    """One document of the batch, with where it came from and why it is not to be taken, if so."""

    position: int
    source: str
    candidate: Candidate
    origin: Origin
    published_at: datetime
    traceparent: str
    finding: Finding | None = None


class Intake:
    """The stage's handler."""

    def __init__(
        self, *, database: Database, payloads: PayloadStore, config: ConfigCache, tracing: Tracing
    ) -> None:
        self._database = database
        self._payloads = payloads
        self._config = config
        self._tracing = tracing

    async def __call__(self, batch: Sequence[Inbound]) -> Sequence[Outcome]:
        found = [
            document for position, record in enumerate(batch) for document in self._read(position, record)
        ]
        config = await self._config_for(found)
        known = [
            replace(item, finding=item.candidate.finding or _authority(item, config))
            for item in found
            if item.source in config.sources
        ]
        published = await self._take_over(known)
        return [
            Done(tuple(published.get(position, ())))
            if _source(record) in config.sources
            else Retry(UNKNOWN_SOURCE_SECONDS, f"the source {_source(record)} is not configured")
            for position, record in enumerate(batch)
        ]

    def _read(self, position: int, record: Inbound) -> Iterator[Found]:
        source = _source(record)
        for candidate in split(record.value, source=source, ce_id=record.headers.get("ce_id")):
            yield Found(
                position=position,
                source=source,
                candidate=candidate,
                origin=Origin(
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    place=candidate.place,
                ),
                published_at=record.timestamp,
                traceparent=self._tracing.start(record.headers.get(TRACEPARENT)),
            )

    async def _config_for(self, found: Sequence[Found]) -> Snapshot:
        """The configuration; looked at anew if it would refuse something that was allowed a moment ago."""
        config = self._config.current
        if any(item.source not in config.sources or _authority(item, config) is not None for item in found):
            await self._config.refresh()
        return self._config.current

    async def _take_over(self, found: Sequence[Found]) -> dict[int, list[Outbound]]:
        """Store all, in one transaction; what to publish for each record of the batch."""
        published: dict[int, list[Outbound]] = {}
        if not found:
            return published
        async with self._database.transaction() as connection:
            identities = await store.register(
                connection, [(item.candidate, item.published_at, item.finding is not None) for item in found]
            )
            checks = await self._keep_bytes(connection, found, identities)
            refusals = []
            for item, check in zip(found, checks, strict=True):
                identity = identities[item.candidate.document_id]
                reasons = await self._reasons(connection, item, identity)
                if reasons:
                    refusals.append(_refusal(item, identity, reasons))
                with self._tracing.span("accept", item.traceparent) as traceparent:
                    events_ = [
                        outbound(event) for event in _events(item, identity, reasons, check, traceparent)
                    ]
                published.setdefault(item.position, []).extend(events_)
            await store.keep_refusals(connection, refusals)
        return published

    async def _keep_bytes(
        self, connection: Connection, found: Sequence[Found], identities: Mapping[UUID, Identity]
    ) -> list[StoredContent]:
        months = [first_of_month(identities[item.candidate.document_id].accepted_at.date()) for item in found]
        objects = [(month, item.candidate.raw) for month, item in zip(months, found, strict=True)]
        return await self._payloads.put(connection, objects)

    async def _reasons(self, connection: Connection, item: Found, identity: Identity) -> tuple[Finding, ...]:
        """Why this one is not taken. The answer that its id and bytes once got is given again."""
        if identity.raw_sha256 != item.candidate.raw_sha256:
            metrics.DOCUMENTS.labels("revision-reused").inc()
            reused = findings.revision_reused(
                first=identity.raw_sha256.hex(), now=item.candidate.raw_sha256.hex()
            )
            return (reused,)
        if identity.new:
            metrics.DOCUMENTS.labels("refused" if item.finding else "accepted").inc()
            return (item.finding,) if item.finding else ()
        metrics.DOCUMENTS.labels("seen-before").inc()
        if not identity.refused:
            return ()
        return await store.findings_of(connection, identity.accepted_at, item.candidate)


def _source(record: Inbound) -> str:
    return source_of(record.topic, events.SALES_INPUT_TEMPLATE)


def _authority(item: Found, config: Snapshot) -> Finding | None:
    """Why the source may not publish this document; None for a source that is not configured at all."""
    source, nip = config.sources.get(item.source), item.candidate.company_nip
    if source is None or item.candidate.finding is not None:
        return None
    if nip is None:
        return findings.no_company()
    return None if nip in source.companies else findings.may_not_speak_for(item.source, nip)


def _refusal(item: Found, identity: Identity, reasons: tuple[Finding, ...]) -> Refusal:
    return Refusal(
        candidate=item.candidate,
        source=item.source,
        origin=item.origin,
        accepted_at=identity.accepted_at,
        findings=reasons,
    )


def _events(
    item: Found,
    identity: Identity,
    reasons: tuple[Finding, ...],
    check: StoredContent,
    traceparent: str | None,
) -> Iterator[Event[Message]]:
    document = DocumentRef(
        document_id=item.candidate.document_id,
        source=item.source,
        erp_document_id=item.candidate.erp_document_id,
        revision=item.candidate.revision,
        company_nip=_nip_or_none(item.candidate.company_nip),
        accepted_at=identity.accepted_at,
    )
    reused = identity.raw_sha256 != item.candidate.raw_sha256

    def event(index: int, type_: str, data: Message) -> Event[Message]:
        return caused(
            stage=STAGE,
            cause=f"{item.candidate.document_id}:{item.candidate.raw_sha256.hex()}",
            index=index,
            type_=type_,
            subject=item.candidate.document_id,
            at=identity.accepted_at,
            data=data,
            traceparent=traceparent,
        )

    def status(state: State) -> DocumentStatus:
        return DocumentStatus(
            document=document,
            stage=STAGE,
            state=state,
            at=identity.accepted_at,
            origin=item.origin,
            findings=reasons,
        )

    if reused:
        yield event(_REUSED_STATUS, events.STATUS, status(State.REVISION_REUSED))
    elif reasons:
        yield event(_REFUSED_STATUS, events.STATUS, status(State.REFUSED))
    else:
        accepted = DocumentAccepted(
            document=document,
            origin=item.origin,
            format=item.candidate.format,
            created_at=identity.created_at,
            content=by_value_or_check(item.candidate.raw, check),
        )
        yield event(_ACCEPTED_EVENT, events.ACCEPTED, accepted)
        yield event(_ACCEPTED_STATUS, events.STATUS, status(State.ACCEPTED))


def _nip_or_none(text: str | None) -> str | None:
    well_formed = (
        text is not None and len(text) == 10 and text.isascii() and text.isdigit() and text[0] != "0"
    )
    return text if well_formed else None
