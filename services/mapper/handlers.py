"""Accepted documents → mapped invoices. A batch is mapped in one go, off the event loop."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC

from contracts import events
from contracts.base import Message
from contracts.content import INLINE_LIMIT_BYTES, Content, inline
from contracts.envelope import Event, Undecodable, caused, decode
from contracts.findings import Finding
from contracts.sales import DocumentAccepted, DocumentStatus, InvoiceMapped, State
from runtime.clock import Clock
from runtime.config import ConfigCache
from runtime.db import Database, first_of_month
from runtime.payload import PayloadStore
from runtime.records import Done, Inbound, Outbound, Outcome, outbound, unread
from runtime.tracing import Tracing
from services.mapper import metrics
from services.mapper.mapping import Mapping, map_document

STAGE = "mapper"
# The events of one cause keep these places for ever: they are part of the event ids.
_MAPPED_EVENT, _MAPPED_STATUS, _REFUSED_STATUS = range(3)


@dataclass(frozen=True, slots=True)
class Job:
    """One document of the batch."""

    position: int
    event: Event[Message]
    accepted: DocumentAccepted
    raw: bytes
    result: Mapping | tuple[Finding, ...] = ()
    traceparent: str | None = None


class Mapper:
    """The stage's handler."""

    def __init__(
        self,
        *,
        database: Database,
        payloads: PayloadStore,
        config: ConfigCache,
        tracing: Tracing,
        executor: Executor,
        clock: Clock,
    ) -> None:
        self._database = database
        self._payloads = payloads
        self._config = config
        self._tracing = tracing
        self._executor = executor
        self._clock = clock

    async def __call__(self, batch: Sequence[Inbound]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = [Done()] * len(batch)
        jobs: list[Job] = []
        for position, record in enumerate(batch):
            try:
                event = decode(record.headers, record.value)
            except Undecodable as error:
                outcomes[position] = unread(error)
                continue
            if isinstance(event.data, DocumentAccepted):
                raw = await self._payloads.read(event.data.content)
                jobs.append(Job(position, event, event.data, raw))
        with metrics.MAP_SECONDS.time():
            mapped = await asyncio.get_running_loop().run_in_executor(self._executor, self._map_all, jobs)
        for job in mapped:
            outcomes[job.position] = Done(tuple(await self._publish(job)))
        return outcomes

    def _map_all(self, jobs: Sequence[Job]) -> list[Job]:
        companies = self._config.current.companies
        mapped = []
        for job in jobs:
            with self._tracing.span("map", job.event.traceparent) as traceparent:
                result = map_document(
                    job.raw,
                    format_=job.accepted.format,
                    created_at=job.accepted.created_at,
                    companies=companies,
                )
            mapped.append(replace(job, result=result, traceparent=traceparent))
        return mapped

    async def _publish(self, job: Job) -> list[Outbound]:
        document = job.accepted.document
        if not isinstance(job.result, Mapping):
            metrics.DOCUMENTS.labels("refused").inc()
            return [self._event(job, _REFUSED_STATUS, self._status(job, State.REFUSED, job.result))]
        metrics.DOCUMENTS.labels("mapped").inc()
        mapped = InvoiceMapped(
            document=document,
            facts=job.result.facts,
            content_hash=job.result.content_hash,
            xml=await self._content(job, job.result.xml),
        )
        return [
            self._event(job, _MAPPED_EVENT, mapped),
            self._event(job, _MAPPED_STATUS, self._status(job, State.MAPPED, ())),
        ]

    async def _content(self, job: Job, xml: bytes) -> Content:
        if len(xml) <= INLINE_LIMIT_BYTES:
            return inline(xml)
        month = first_of_month(job.accepted.document.accepted_at.astimezone(UTC).date())
        async with self._database.transaction() as connection:
            (check,) = await self._payloads.put(connection, [(month, xml)])
        return check

    def _status(self, job: Job, state: State, findings: Sequence[Finding]) -> DocumentStatus:
        return DocumentStatus(
            document=job.accepted.document,
            stage=STAGE,
            state=state,
            at=self._clock(),
            facts=job.result.facts if isinstance(job.result, Mapping) else None,
            findings=tuple(findings),
        )

    def _event(self, job: Job, index: int, data: Message) -> Outbound:
        return outbound(
            caused(
                stage=STAGE,
                cause=str(job.event.id),
                index=index,
                type_=events.STATUS if isinstance(data, DocumentStatus) else events.MAPPED,
                subject=job.accepted.document.document_id,
                at=self._clock(),
                data=data,
                traceparent=job.traceparent,
            )
        )
