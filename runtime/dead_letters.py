"""Dead letters: records that can never be processed, kept byte for byte with the reason and their origin.

Invariant: what is on ``ksef.<service>.dlq`` is the original key, value and headers; what we say about it
follows in further headers, ``dlq_…``, the last of which says how many headers were the record's own: so any
record can be restored, whatever its headers are called. Too many in a row are refused: then the records are
not what is wrong.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.metadata import version

from aiokafka import ConsumerRecord

from contracts.events import dead_letter_topic
from runtime.errors import RecordTooLarge, TooManyDeadLetters
from runtime.producer import check_publishable
from runtime.records import DeadLetter, Done, Outbound, Outcome, headers_as_text

IN_A_ROW_LIMIT = 100
DETAIL_LIMIT = 1000
_OWN_HEADERS = "dlq_own_headers"
_COUNT = re.compile(rb"[0-9]{1,9}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Headers = Sequence[tuple[str, bytes | None]]


class NoLetter(ValueError):
    """A record on a dead-letter topic that no worker of ours put there; the text says what it lacks."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the record was read: the topic's full name, with the installation's prefix."""

    topic: str
    partition: int
    offset: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Body:
    """Size and hash of a record's value."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it lies on its topic: the original record, and what is known about it."""

    service: str
    offset: int
    """On the dead-letter topic, which has one partition."""
    key: bytes | None
    value: bytes | None
    headers: Headers
    """The record's own."""
    reason: str
    detail: str
    attempts: int
    origin: Origin
    failed_at: datetime
    """When it was given up."""
    version: str
    """Of ours, that gave it up."""
    body: Body
    """Of the original value, here or left at its origin."""
    left_at_origin: bool
    """The record was too large to be copied: key, value and headers are only where it was read."""

    @property
    def id(self) -> str:
        """``mapper:17``: short, and the same for as long as the letter is kept."""
        return f"{self.service}:{self.offset}"


def letter(record: ConsumerRecord, about: DeadLetter, *, service: str, failed_at: datetime) -> Outbound:
    """The record to publish in its stead."""
    # Our producer takes no record with neither key nor value; an empty value is the nearest there is.
    value = b"" if record.key is None and record.value is None else record.value
    topic = dead_letter_topic(service)
    facts = {
        "dlq_service": service,
        "dlq_reason": about.reason,
        "dlq_detail": about.detail[:DETAIL_LIMIT],
        "dlq_attempts": str(about.attempts),
        "dlq_failed_at": failed_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "dlq_version": _version(),
        "dlq_topic": record.topic,
        "dlq_partition": str(record.partition),
        "dlq_offset": str(record.offset),
        "dlq_timestamp_ms": str(record.timestamp),
    }
    whole = Outbound(topic, key=record.key, value=value, headers=_headers(record.headers, facts))
    try:
        check_publishable(whole)
    except RecordTooLarge:
        # Its publisher compressed it. It stays where it is, as long as that topic keeps it; we go on.
        left = facts | {"dlq_left_bytes": str(len(value or b"")), "dlq_left_sha256": _sha256(value)}
        return Outbound(topic, key=None, value=b"", headers=_headers((), left))
    return whole


def read_letter(record: ConsumerRecord, *, service: str) -> Letter:
    """A record of ``service``'s dead-letter topic. Raises :class:`NoLetter`."""
    own, facts = _split(record.headers)
    try:
        left = "dlq_left_bytes" in facts
        return Letter(
            service=service,
            offset=record.offset,
            key=record.key,
            value=record.value,
            headers=own,
            reason=facts["dlq_reason"],
            detail=facts["dlq_detail"],
            attempts=int(facts["dlq_attempts"]),
            origin=Origin(
                topic=facts["dlq_topic"],
                partition=int(facts["dlq_partition"]),
                offset=int(facts["dlq_offset"]),
                published_at=_EPOCH + timedelta(milliseconds=int(facts["dlq_timestamp_ms"])),
            ),
            failed_at=_time(facts["dlq_failed_at"]),
            version=facts["dlq_version"],
            body=Body(int(facts["dlq_left_bytes"]), facts["dlq_left_sha256"])
            if left
            else Body(len(record.value or b""), _sha256(record.value)),
            left_at_origin=left,
        )
    except KeyError as error:
        raise NoLetter(f"the header {error.args[0]} is missing") from None
    except (ValueError, OverflowError) as error:
        raise NoLetter(f"a dlq_… header cannot be read: {error}") from None


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


def _headers(own: Headers, facts: dict[str, str]) -> Headers:
    ours = facts | {_OWN_HEADERS: str(len(own))}
    return [*own, *((name, text.encode()) for name, text in ours.items())]


def _split(headers: Headers) -> tuple[Headers, dict[str, str]]:
    """The record's own headers, and ours, which follow them. Raises :class:`NoLetter`."""
    name, text = headers[-1] if headers else ("", None)
    digits = text or b""
    if name != _OWN_HEADERS or not _COUNT.fullmatch(digits) or int(digits) >= len(headers):
        raise NoLetter(f"its last header is not {_OWN_HEADERS} with their number")
    own = int(digits)
    facts = headers_as_text(headers[own:])
    return tuple(headers[:own]), facts


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without offset")
    return at


def _sha256(value: bytes | None) -> str:
    return sha256(value or b"").hexdigest()


@cache
def _version() -> str:
    return version("ksef-courier")
