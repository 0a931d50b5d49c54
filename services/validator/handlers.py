"""Mapped invoices → verdicts; fates of holders → verdicts over those who wait. One transaction per batch."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from uuid import UUID

from contracts import events
from contracts.base import Message
from contracts.content import StoredContent
from contracts.envelope import Event, Undecodable, decode
from contracts.findings import Finding
from contracts.sales import DocumentAdmitted, DocumentStatus, InvoiceMapped, State
from runtime.clock import Clock
from runtime.config import ConfigCache
from runtime.db import Connection, Database, first_of_month
from runtime.outbox import Outbox
from runtime.payload import PayloadStore
from runtime.records import Done, Inbound, Outbound, Outcome, unread
from runtime.tracing import Tracing
from services.validator import metrics, store
from services.validator.admission import (
    Admitted,
    Claim,
    Fingerprint,
    Holding,
    Refused,
    Verdict,
    after_issue,
    after_rejection,
    decide,
)
from services.validator.announce import announce

Check = Callable[[bytes, datetime, bool], Sequence[Finding]]
"""Findings about an XML as of a moment, thoroughly or not; blocking, and safe to call in any thread."""

# Many broken documents in a row must not hold up the sound ones: then the first findings have to do.
THOROUGH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Mapped:
    """One mapped invoice of the batch, read and checked."""

    event: Event[Message]
    data: InvoiceMapped
    xml: bytes
    findings: tuple[Finding, ...] = ()
    traceparent: str | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def claim(self) -> Claim:
        facts = self.data.facts
        return Claim(
            document_id=self.data.document.document_id,
            content_hash=bytes.fromhex(self.data.content_hash),
            fingerprint=Fingerprint(facts.seller_nip, facts.kind, facts.number),
        )


class Validator:
    """The stage's handler."""

    def __init__(
        self,
        *,
        database: Database,
        payloads: PayloadStore,
        outbox: Outbox,
        config: ConfigCache,
        tracing: Tracing,
        check: Check,
        executor: Executor,
        clock: Clock,
    ) -> None:
        self._database = database
        self._payloads = payloads
        self._outbox = outbox
        self._config = config
        self._tracing = tracing
        self._check = check
        self._executor = executor
        self._clock = clock

    async def __call__(self, batch: Sequence[Inbound]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = [Done()] * len(batch)
        mapped: list[Event[Message]] = []
        statuses: list[Event[Message]] = []
        for position, record in enumerate(batch):
            try:
                event = decode(record.headers, record.value)
            except Undecodable as error:
                outcomes[position] = unread(error)
            else:
                (mapped if event.type == events.MAPPED else statuses).append(event)
        await self._admit([await self._read(event) for event in mapped])
        await self._learn_fates(statuses)
        return outcomes

    async def _read(self, event: Event[Message]) -> Mapped:
        assert isinstance(event.data, InvoiceMapped)  # noqa: S101  by its type
        xml = await self._payloads.read(event.data.xml)
        return Mapped(event=event, data=event.data, xml=xml)

    async def _checked(self, mapped: Sequence[Mapped]) -> list[Mapped]:
        """With findings. The checks of a batch run in one go, off the event loop, which must not stall."""
        now = self._clock()

        def check_all() -> list[Mapped]:
            checked = []
            began = time.monotonic()
            for item in mapped:
                thorough = time.monotonic() - began < THOROUGH_SECONDS
                with self._tracing.span("validate", item.event.traceparent) as traceparent:
                    findings = tuple(self._check(item.xml, now, thorough))
                checked.append(replace(item, findings=findings, traceparent=traceparent))
            return checked

        with metrics.CHECK_SECONDS.time():
            return await asyncio.get_running_loop().run_in_executor(self._executor, check_all)

    async def _admit(self, read: Sequence[Mapped]) -> None:
        if not read:
            return
        mapped = await self._checked(read)
        async with self._database.transaction() as connection:
            new = await store.add(
                connection,
                [
                    store.New(
                        accepted_at=item.data.document.accepted_at,
                        claim=item.claim,
                        traceparent=item.traceparent,
                        refused=bool(item.errors),
                    )
                    for item in mapped
                ],
            )
            fresh = _first_of_each(mapped, new)
            metrics.VERDICTS.labels("seen-before").inc(len(mapped) - len(fresh))
            verdicts = await self._verdicts(connection, fresh)
            keep = [item for item in fresh if not isinstance(verdicts[item.claim.document_id], Refused)]
            checks = await self._payloads.put(connection, [(_month(item), item.xml) for item in keep])
            stored = {item.claim.document_id: check for item, check in zip(keep, checks, strict=True)}
            published: list[Outbound] = []
            changed = []
            for item in fresh:
                verdict = verdicts[item.claim.document_id]
                admitted = self._admitted(item, stored.get(item.claim.document_id))
                if not isinstance(verdict, Admitted) and not item.errors:
                    changed.append(store.Decided(item.data.document, verdict, admitted))
                published += announce(
                    verdict,
                    cause=str(item.event.id),
                    document=item.data.document,
                    facts=item.data.facts,
                    admitted=admitted,
                    warnings=item.findings,
                    traceparent=item.traceparent,
                    at=self._clock(),
                )
            await store.decide(connection, changed)
            await self._outbox.put(connection, published)
        self._outbox.wake()

    async def _verdicts(self, connection: Connection, fresh: Sequence[Mapped]) -> dict[UUID, Verdict]:
        verdicts: dict[UUID, Verdict] = {
            item.claim.document_id: Refused(item.errors) for item in fresh if item.errors
        }
        claims = [item.claim for item in fresh if not item.errors]
        winners = await store.claim(connection, claims) if claims else set()
        verdicts |= {document: Admitted() for document in winners}
        losers = [claim for claim in claims if claim.document_id not in winners]
        if losers:
            holdings = await store.lock(connection, [claim.fingerprint for claim in losers])
            for claim in losers:
                verdict = decide(claim, holdings[claim.fingerprint])
                if isinstance(verdict, Admitted):
                    holdings[claim.fingerprint] = _held_by(claim)
                    await store.hold(connection, claim.fingerprint, holdings[claim.fingerprint])
                verdicts[claim.document_id] = verdict
        return verdicts

    def _admitted(self, item: Mapped, check: StoredContent | None) -> DocumentAdmitted | None:
        """What is published if it may be sent; None for what is refused anyway."""
        company_nip = item.data.document.company_nip or item.data.facts.seller_nip
        company = self._config.current.companies.get(company_nip)
        if check is None:
            return None
        return DocumentAdmitted(
            document=item.data.document,
            facts=item.data.facts,
            content_hash=item.data.content_hash,
            xml=check,
            context_value=company_nip if company is None else company.context.value,
        )

    async def _learn_fates(self, statuses: Sequence[Event[Message]]) -> None:
        """Holders whose fate arrived: their numbers, and who waits for those."""
        told = [(event, event.data) for event in statuses if isinstance(event.data, DocumentStatus)]
        fates = {
            data.document.document_id: (event, data)
            for event, data in told
            if data.state in (State.ISSUED, State.REJECTED)
        }
        refused = {
            data.document.document_id: data.document.accepted_at
            for _, data in told
            if data.state is State.REFUSED and data.stage == "mapper"
        }
        if not fates and not refused:
            return
        async with self._database.transaction() as connection:
            if refused:
                await store.remember_refused(connection, refused)
            published: list[Outbound] = []
            for fingerprint, holding in (await store.lock_held_by(connection, list(fates))).items():
                if holding.state == "held":
                    event, data = fates[holding.document_id]
                    published += await self._settle(connection, fingerprint, holding, event, data)
            await self._outbox.put(connection, published)
        self._outbox.wake()

    async def _settle(
        self,
        connection: Connection,
        fingerprint: Fingerprint,
        holding: Holding,
        event: Event[Message],
        fate: DocumentStatus,
    ) -> list[Outbound]:
        """One number whose holder was issued or rejected; what to publish about those who waited."""
        waiters = await store.waiting_for(connection, fingerprint)
        claims = [waiter.claim for waiter in waiters]
        if fate.state is State.ISSUED:
            ksef_number = fate.ksef.ksef_number if fate.ksef else None
            now = Holding("issued", holding.document_id, holding.content_hash, ksef_number)
            verdicts: Sequence[Verdict] = after_issue(now, claims)
        else:
            verdicts = after_rejection(claims)
            now = (
                _held_by(claims[0]) if claims else Holding("free", holding.document_id, holding.content_hash)
            )
        await store.hold(connection, fingerprint, now)
        published: list[Outbound] = []
        changed = []
        for waiter, verdict in zip(waiters, verdicts, strict=True):
            document = waiter.pending.document
            changed.append(store.Decided(document, verdict, waiter.pending))
            published += announce(
                verdict,
                cause=f"{event.id}:{document.document_id}",
                document=document,
                facts=waiter.pending.facts,
                admitted=waiter.pending,
                warnings=(),
                traceparent=waiter.traceparent,
                at=self._clock(),
            )
        await store.decide(connection, changed)
        return published


def _first_of_each(mapped: Sequence[Mapped], new: set[UUID]) -> list[Mapped]:
    """The new documents, each once: a batch may hold a record twice."""
    remaining = set(new)
    fresh = []
    for item in mapped:
        if item.claim.document_id in remaining:
            remaining.discard(item.claim.document_id)
            fresh.append(item)
    return fresh


def _held_by(claim: Claim) -> Holding:
    return Holding("held", claim.document_id, claim.content_hash)


def _month(item: Mapped) -> date:
    return first_of_month(item.data.document.accepted_at.astimezone(UTC).date())
