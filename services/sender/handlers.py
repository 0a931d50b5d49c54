"""Admitted invoices → rows to be sent. Nothing here waits for KSeF."""

import base64
from collections.abc import Sequence

from contracts.content import StoredContent
from contracts.envelope import Undecodable, decode
from contracts.sales import DocumentAdmitted
from runtime.db import Database
from runtime.records import DeadLetter, Done, Inbound, Outcome, unread
from services.sender import store
from services.sender.store import Submission
from services.sender.submission import State


class TakingOver:
    """The stage's handler."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def __call__(self, batch: Sequence[Inbound]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = [Done()] * len(batch)
        submissions: list[Submission] = []
        for position, record in enumerate(batch):
            try:
                event = decode(record.headers, record.value)
            except Undecodable as error:
                outcomes[position] = unread(error)
                continue
            if not isinstance(event.data, DocumentAdmitted) or not isinstance(event.data.xml, StoredContent):
                outcomes[position] = DeadLetter("unexpected", f"{event.type} without stored content")
                continue
            submissions.append(_submission(event.data, event.data.xml, event.traceparent))
        if submissions:
            async with self._database.transaction() as connection:
                await store.take_over(connection, submissions)
        return outcomes


def _submission(admitted: DocumentAdmitted, xml: StoredContent, traceparent: str | None) -> Submission:
    return Submission(
        document=admitted.document,
        context_key=f"{admitted.context_type}:{admitted.context_value}",
        state=State.READY,
        attempt=0,
        facts=admitted.facts,
        xml=xml,
        invoice_hash=base64.b64encode(bytes.fromhex(xml.sha256)).decode(),
        traceparent=traceparent,
    )
