"""CloudEvents 1.0 in Kafka's binary binding: attributes as ``ce_`` headers, the body as JSON.

Decoding never raises anything but :class:`Undecodable`, so that one bad record cannot stop the others. An
event of a newer major version is told apart (:class:`NewerMajor`): it is sound, this version too old for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import ValidationError

from contracts.base import Message
from contracts.events import MODELS
from contracts.ids import event_id

M = TypeVar("M", bound=Message)
M_co = TypeVar("M_co", bound=Message, covariant=True)

CONTENT_TYPE = "application/json"
TRACEPARENT = "traceparent"
CORRELATION_ID = "correlation_id"
_TYPE = re.compile(r"(?P<name>[a-z0-9.-]{1,80})\.v(?P<major>[1-9][0-9]{0,3})")


class Undecodable(ValueError):
    """The record is not an event of ours: the text names what is wrong, never the content."""


class NewerMajor(Undecodable):
    """An event of a type we know, in a major version above ours: to be kept for a newer worker."""


@dataclass(frozen=True, slots=True)
class Event(Generic[M_co]):
    """One message with its attributes. ``type`` is a key of :data:`contracts.events.MODELS`."""

    id: UUID
    type: str
    source: str
    """The stage that says it, e.g. ``intake``; ``ce_source`` is ``ksef-courier/<stage>``."""
    subject: UUID
    """The document's id, or :func:`contracts.ids.subject_id`; also the record's key."""
    at: datetime
    data: M_co
    causation_id: str | None = None
    traceparent: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        return str(self.subject).encode()

    def value(self) -> bytes:
        return self.data.model_dump_json(exclude_none=True).encode()

    def headers(self) -> list[tuple[str, bytes]]:
        """The record's headers. ``correlation_id`` repeats the subject: tracing middleware link by it."""
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": str(self.id),
            "ce_type": self.type,
            "ce_source": f"ksef-courier/{self.source}",
            "ce_subject": str(self.subject),
            "ce_time": self.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "content-type": CONTENT_TYPE,
            CORRELATION_ID: str(self.subject),
        }
        if self.causation_id is not None:
            attributes["ce_causationid"] = self.causation_id
        if self.traceparent is not None:
            attributes[TRACEPARENT] = self.traceparent
        attributes |= self.extra
        return [(name, text.encode()) for name, text in attributes.items()]


def decode(
    headers: Mapping[str, str], value: bytes, *, models: Mapping[str, type[Message]] = MODELS
) -> Event[Message]:
    """Read a record of an internal topic. Raises :class:`Undecodable`, or :class:`NewerMajor` of it."""
    type_ = headers.get("ce_type", "")
    model = models.get(type_)
    if model is None:
        raise _unknown(type_, models)
    event_id, subject = _uuid(headers, "ce_id"), _uuid(headers, "ce_subject")
    at = _time(headers, "ce_time")
    try:
        data = model.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Undecodable(f"{type_}: {where}: {first['msg']} ({error.error_count()} problems)") from error
    return Event(
        id=event_id,
        type=type_,
        source=headers.get("ce_source", "").removeprefix("ksef-courier/"),
        subject=subject,
        at=at,
        data=data,
        causation_id=headers.get("ce_causationid"),
        traceparent=headers.get(TRACEPARENT),
    )


def _unknown(type_: str, models: Mapping[str, type[Message]]) -> Undecodable:
    if not type_:
        return Undecodable("no ce_type header")
    name, major = _split(type_)
    ours = max((known for known in map(_split, models) if known[0] == name), default=(name, major))[1]
    if major > ours:
        return NewerMajor(f"{name}.v{major}: this version reads no more than {name}.v{ours}")
    return Undecodable(f"unknown event type {type_[:60]!r}")


def _split(type_: str) -> tuple[str, int]:
    """An event type's name and major version; major 0 when it has none."""
    found = _TYPE.fullmatch(type_)
    return (found["name"], int(found["major"])) if found else (type_, 0)


def _uuid(headers: Mapping[str, str], name: str) -> UUID:
    try:
        return UUID(headers[name])
    except (KeyError, ValueError):
        raise Undecodable(f"the header {name} is missing or no UUID") from None


def _time(headers: Mapping[str, str], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(headers[name])
    except (KeyError, ValueError):
        raise Undecodable(f"the header {name} is missing or no time") from None
    if at.tzinfo is None:
        raise Undecodable(f"the header {name} has no offset")
    return at


def caused(
    *,
    stage: str,
    cause: str,
    index: int,
    type_: str,
    subject: UUID,
    at: datetime,
    data: Message,
    traceparent: str | None,
) -> Event[Message]:
    """The ``index``-th event that ``stage`` publishes because of ``cause``: the same call, the same id."""
    return Event(
        id=event_id(stage, cause, index),
        type=type_,
        source=stage,
        subject=subject,
        at=at,
        data=data,
        causation_id=cause,
        traceparent=traceparent,
    )
