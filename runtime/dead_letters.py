"""Dead letters: records that can never be processed, kept byte for byte with the reason and their origin.

Invariant: what is on ``ksef.<service>.dlq`` is the original key, value and headers; what we say about it
stands in further headers, ``dlq_…``. Too many in a row are refused: then the records are not what is wrong.
"""

from collections.abc import Sequence

from aiokafka import ConsumerRecord

from contracts.events import dead_letter_topic
from runtime.errors import TooManyDeadLetters
from runtime.records import DeadLetter, Done, Outbound, Outcome

IN_A_ROW_LIMIT = 100


def letter(record: ConsumerRecord, about: DeadLetter, *, service: str) -> Outbound:
    """The record to publish in its stead."""
    facts = {
        "dlq_reason": about.reason,
        "dlq_detail": about.detail,
        "dlq_attempts": str(about.attempts),
        "dlq_topic": record.topic,
        "dlq_partition": str(record.partition),
        "dlq_offset": str(record.offset),
        "dlq_timestamp_ms": str(record.timestamp),
    }
    # Our producer takes no record with neither key nor value; an empty value is the nearest there is.
    value = b"" if record.key is None and record.value is None else record.value
    headers = [*record.headers, *((name, text.encode()) for name, text in facts.items())]
    return Outbound(topic=dead_letter_topic(service), key=record.key, value=value, headers=headers)


def in_a_row(outcomes: Sequence[Outcome], *, before: int) -> int:
    """How many of the last outcomes were dead letters, ``before`` counting those of earlier batches.

    Raises :class:`TooManyDeadLetters` above the limit; a ``Retry`` neither counts nor ends a row.
    """
    row = before
    for outcome in outcomes:
        if isinstance(outcome, Done):
            row = 0
        if not isinstance(outcome, DeadLetter):
            continue
        row += 1
        if row > IN_A_ROW_LIMIT:
            raise TooManyDeadLetters(
                f"{row} records in a row would be dead letters ({outcome.reason}): does this version fit "
                "what is published? The records stay where they are"
            )
    return row
