"""Redriving dead letters: back to the topic they came from, as they were, once what was wrong is mended.

Invariant: a letter's act is written after Kafka has confirmed the record, so that an interrupted redrive can
be repeated; a record published twice is dropped by its ids. What the sender may have sent is not redriven.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias
from uuid import UUID

from cli.dead_letter_search import Found
from contracts import events
from runtime import acts
from runtime.acts import Act
from runtime.db import Database
from runtime.dead_letters import Letter
from runtime.errors import ConfigurationError, RecordTooLarge
from runtime.producer import Producer, check_publishable
from runtime.records import Outbound
from runtime.topics import declared
from services.intake.store import accepted_at_of
from services.sender.store import states_of
from services.sender.submission import State

REDRIVEN = "dead-letter-redriven"
REDRIVE_ID = "redrive_id"
STEPS_PER_SECOND = 5
HISTORY_LIMIT = 20

_SENT = frozenset({State.SENDING, State.IN_DOUBT, State.SENT, State.ISSUED, State.COMPLETED, State.PARKED})
# What became of a document is told on this topic; nobody sends anything because of it.
_SENDS_NOTHING = frozenset({events.STATUS})


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter that may be redriven."""

    found: Found


@dataclass(frozen=True, slots=True)
class Skipped:
    """A letter that is not redriven, and why."""

    found: Found
    why: str


Planned: TypeAlias = Ready | Skipped


@dataclass(frozen=True, slots=True)
class Redrive:
    """One act of a person over many letters."""

    redrive_id: UUID
    who: str
    reason: str
    per_second: int


async def plan(
    database: Database, found: Sequence[Found], *, topic_prefix: str, again: bool
) -> Sequence[Planned]:
    """What is to be done with each letter, in order. Writes nothing."""
    redriven = {} if again else await acts_about(database, [item.letter for item in found])
    states = await _states(database, {document for item in found for document in item.documents})
    return [
        Ready(item) if why is None else Skipped(item, why)
        for item in found
        for why in [_obstacle(item, redriven, states, topic_prefix=topic_prefix)]
    ]


async def carry_out(
    redrive: Redrive, ready: Sequence[Found], *, database: Database, producer: Producer, pace: "Pace"
) -> AsyncIterator[Sequence[Found]]:
    """Publish, wait for the confirmation, write the acts; gives what is done, step by step."""
    remaining = iter(ready)
    while step := list(islice(remaining, max(1, redrive.per_second // STEPS_PER_SECOND))):
        await pace.turn(len(step))
        await producer.publish([record_of(item, redrive.redrive_id) for item in step])
        async with database.transaction() as connection:
            for item in step:
                await acts.record(
                    connection,
                    who=redrive.who,
                    what=REDRIVEN,
                    about=item.letter.id,
                    reason=redrive.reason,
                    detail=_detail(item, redrive),
                )
        yield step


async def acts_about(database: Database, letters: Sequence[Letter]) -> dict[str, Act]:
    """The last redriving of each letter, by its id."""
    found = await acts.latest_of_each(database, what=REDRIVEN, about=[letter.id for letter in letters])
    return {
        letter.id: act
        for letter in letters
        if (act := found.get(letter.id)) is not None and _is_about(act, letter)
    }


async def history_of(database: Database, letter: Letter) -> Sequence[Act]:
    """When it was redriven, newest first."""
    found = await acts.latest(database, what=REDRIVEN, about=letter.id, limit=HISTORY_LIMIT)
    return [act for act in found if _is_about(act, letter)]


def record_of(found: Found, redrive_id: UUID) -> Outbound:
    """The original record, byte for byte, with one header more."""
    letter = found.letter
    headers = [*letter.headers, (REDRIVE_ID, str(redrive_id).encode())]
    return Outbound(found.topic, key=letter.key, value=letter.value, headers=headers)


class Pace:
    """No more than so many records a second."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._next = time.monotonic()

    async def turn(self, records: int) -> None:
        """Wait until ``records`` more may go."""
        await asyncio.sleep(max(0.0, self._next - time.monotonic()))
        self._next = max(self._next, time.monotonic()) + records / self._per_second


def _is_about(act: Act, letter: Letter) -> bool:
    # A topic that was deleted and made again counts from 0: the same id, another letter.
    return bool(act.detail.get("failed_at") == letter.failed_at.isoformat())


def _obstacle(
    found: Found, redriven: Mapping[str, Act], states: Mapping[UUID, State], *, topic_prefix: str
) -> str | None:
    """Why a letter is not redriven; None when it may be."""
    letter = found.letter
    if act := redriven.get(letter.id):
        return f"redriven at {act.at:%Y-%m-%d %H:%M:%S} by {act.who}; --again takes it once more"
    if letter.left_at_origin:
        where = f"{letter.origin.topic}, partition {letter.origin.partition}, offset {letter.origin.offset}"
        return f"too large to be copied ({letter.body.size_bytes} bytes): it is only on {where}"
    if not letter.origin.topic.startswith(topic_prefix) or letter.service not in _readers(found.topic):
        return f"{letter.service} does not read {letter.origin.topic}"
    sent = {document: state for document in found.documents if (state := states.get(document)) in _SENT}
    if sent and found.topic not in _SENDS_NOTHING:
        return "; ".join(f"the sender has document {document} as {state}" for document, state in sent.items())
    try:
        check_publishable(record_of(found, UUID(int=0)))
    except RecordTooLarge as error:
        return f"too large to be published by us ({error}): `show --raw` saves its body"
    return None


def _readers(topic: str) -> tuple[str, ...]:
    try:
        return declared(topic).consumers
    except ConfigurationError:
        return ()


async def _states(database: Database, documents: set[UUID]) -> dict[UUID, State]:
    # What intake never saw the sender cannot have.
    return await states_of(database, await accepted_at_of(database, documents))


def _detail(found: Found, redrive: Redrive) -> dict[str, object]:
    letter = found.letter
    return {
        "redrive_id": str(redrive.redrive_id),
        "failed_at": letter.failed_at.isoformat(),
        "reason": letter.reason,
        "topic": letter.origin.topic,
        "partition": letter.origin.partition,
        "offset": letter.origin.offset,
        "documents": [str(document) for document in found.documents],
    }
