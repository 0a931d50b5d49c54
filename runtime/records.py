"""What goes in and out of Kafka, as plain values: handlers see these and no client library."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from contracts.base import Message
from contracts.envelope import Event, Undecodable
from runtime.failures import Failure, failure_of

NEWER_MAJOR_SECONDS = 30.0


def headers_as_text(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """A record's headers, decoded leniently; of several with one name the last counts."""
    return {name: (value or b"").decode(errors="replace") for name, value in headers}


@dataclass(frozen=True, slots=True)
class Inbound:
    """One consumed record. ``topic`` is without the installation's prefix; bytes are as published.

    Headers are decoded leniently: one that is not UTF-8, or has no value, must not cost the record. A record
    without a value (a tombstone) reads as an empty one.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: Mapping[str, str]
    raw_headers: Sequence[tuple[str, bytes | None]]
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Outbound:
    """One record to publish. ``topic`` is without the installation's prefix.

    Events of ours always have a value and headers; None stands only in dead letters, as it stood in theirs.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def outbound(event: Event[Message], *, topic: str | None = None) -> Outbound:
    """The record of an event; ``topic`` differs from its type only on per-source topics."""
    return Outbound(topic=topic or event.type, key=event.key, value=event.value(), headers=event.headers())


@dataclass(frozen=True, slots=True)
class Done:
    """Effects are durable; publish these, then move on."""

    publish: tuple[Outbound, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now: give the record's partition back and come again. Nothing of it may have been published.

    The records behind it come again with it, whatever was decided about them.

    ``failure`` is ``HUMAN`` when only a person, or a newer version, can end the wait: then it is an alarm.
    """

    after_seconds: float
    reason: str
    failure: Failure = Failure.TRANSIENT


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """It can never be read: keep it byte for byte, with the reason, and move on."""

    reason: str
    detail: str = ""
    attempts: int = 1


Outcome: TypeAlias = Done | Retry | DeadLetter


def unread(error: Undecodable) -> DeadLetter | Retry:
    """What becomes of a record that this version cannot decode: kept apart unless a newer one can read it."""
    if failure_of(error) is Failure.HUMAN:
        return Retry(NEWER_MAJOR_SECONDS, str(error), Failure.HUMAN)
    return DeadLetter("undecodable", str(error))
