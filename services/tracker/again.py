"""Results that were published before, made again from the tables: same ids, sequence and content.

Invariant: nothing is made up. A document's life is lived through once more, step by step, by the same pure
functions that told it the first time.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.sales import DocumentRef, DocumentStatus
from runtime.db import Database
from runtime.payload import PayloadStore
from runtime.records import Outbound
from runtime.tracing import trace_id_of
from services.tracker.life import Life, after
from services.tracker.receipts import receipt_of
from services.tracker.results import result_of

PAGE = 100

_DOCUMENTS = """
    select * from tracker.document d
    where d.source = $1 and (d.accepted_at, d.document_id) > ($2, $3) and d.updated_at >= $4
        and ($5::timestamptz is null or d.accepted_at < $5)
        and ($6::text is null or d.document_id::text = $6 or d.erp_document_id = $6
             or d.facts->>'number' = $6 or d.ksef->>'ksef_number' = $6)
    order by d.accepted_at, d.document_id limit $7
"""
_STEPS = """
    select document_id, event_id, sequence, recorded_at, traceparent, company_nip, status from tracker.event
    where (accepted_at, document_id) in (select * from unnest($1::timestamptz[], $2::uuid[]))
    order by document_id, sequence
"""
_BEFORE_ALL = (datetime.fromtimestamp(0, UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Results recorded from ``since`` on, before ``until``; of one document (any of its names), if given."""

    source: str
    since: datetime
    until: datetime | None = None
    document: str | None = None

    def holds(self, recorded_at: datetime) -> bool:
        return self.since <= recorded_at and (self.until is None or recorded_at < self.until)


@dataclass(frozen=True, slots=True)
class Told:
    """The wanted results of one document, in order."""

    document: DocumentRef
    results: tuple[Outbound, ...]


async def told_again(database: Database, payloads: PayloadStore, wanted: Wanted) -> AsyncIterator[list[Told]]:
    """The wanted results, a page of documents at a time, in the order in which those were accepted.

    Raises :class:`services.tracker.receipts.ReceiptNotThere` for a receipt that is not kept any more.
    """
    key = _BEFORE_ALL
    while rows := await database.fetch(
        _DOCUMENTS, wanted.source, *key, wanted.since, wanted.until, wanted.document, PAGE
    ):
        refs = {row["document_id"]: _ref(row) for row in rows}
        steps: dict[UUID, list[Mapping[str, Any]]] = {document: [] for document in refs}
        for step in await database.fetch(_STEPS, [ref.accepted_at for ref in refs.values()], list(refs)):
            steps[step["document_id"]].append(step)
        page = [
            Told(ref, await _results(steps[document], ref, payloads, wanted))
            for document, ref in refs.items()
        ]
        yield [told for told in page if told.results]
        key = (rows[-1]["accepted_at"], rows[-1]["document_id"])


async def _results(
    steps: Sequence[Mapping[str, Any]], ref: DocumentRef, payloads: PayloadStore, wanted: Wanted
) -> tuple[Outbound, ...]:
    life = Life()
    results = []
    for step in steps:
        named = ref.model_copy(update={"company_nip": step["company_nip"]})
        status = DocumentStatus.model_validate({**json.loads(step["status"]), "document": named})
        life = after(life, status, trace_id=trace_id_of(step["traceparent"]))
        if wanted.holds(step["recorded_at"]):
            receipt = await receipt_of(status.upo, payloads)
            results.append(
                result_of(
                    status, life, cause=step["event_id"], traceparent=step["traceparent"], receipt=receipt
                )
            )
    return tuple(results)


def _ref(row: Mapping[str, Any]) -> DocumentRef:
    return DocumentRef(
        document_id=row["document_id"],
        source=row["source"],
        erp_document_id=row["erp_document_id"],
        revision=row["revision"],
        company_nip=row["company_nip"],
        accepted_at=row["accepted_at"],
    )
