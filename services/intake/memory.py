"""What intake once answered, read back from what it published: for a database that has forgotten it.

The answers to come must be the same as those that were given, to the very time of acceptance; otherwise one
document would be two. See docs/operations/restore.md.
"""

from collections.abc import Sequence

from contracts.base import Message
from contracts.envelope import Event
from contracts.sales import DocumentAccepted, DocumentStatus, State
from runtime.db import Database
from services.intake import store
from services.intake.handlers import STAGE
from services.intake.store import Answer


def answer_in(event: Event[Message]) -> Answer | None:
    """The answer that an event of ours tells, if it tells one."""
    data = event.data
    if isinstance(data, DocumentAccepted):
        return Answer(data.document, bytes.fromhex(data.content.sha256), data.created_at, data.origin)
    if isinstance(data, DocumentStatus) and data.stage == STAGE and data.state is State.REFUSED:
        # The cause of intake's events is the document id and the hash of its bytes.
        _, _, sha256 = (event.causation_id or "").partition(":")
        return Answer(data.document, bytes.fromhex(sha256), data.at, data.origin, data.findings)
    return None


async def remember(database: Database, answers: Sequence[Answer]) -> int:
    """Write down what is not known; how many answers that were. What is known stays as it is."""
    async with database.transaction() as connection:
        return await store.remember(connection, answers)
