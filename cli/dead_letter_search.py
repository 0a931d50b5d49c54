"""Finding dead letters: by id, service, reason, time and company; and what each of them is about."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts import events
from runtime.dead_letter_topics import DeadLetterTopics, Stranger
from runtime.dead_letters import Letter
from runtime.errors import ConfigurationError
from runtime.topics import declared, source_of
from services.intake.envelope import split

SERVICES = declared(events.dead_letter_topic("intake")).instances
"""Who has dead letters, in the order of the flow."""


@dataclass(frozen=True, slots=True)
class LetterId:
    """``mapper:17``: the service, and the offset on its dead-letter topic."""

    service: str
    offset: int

    def __str__(self) -> str:
        return f"{self.service}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "LetterId":
        """Raises ``ValueError``."""
        service, _, offset = text.partition(":")
        if service not in SERVICES or not (offset.isascii() and offset.isdigit() and len(offset) < 19):
            raise ValueError(f"{text!r} is no id of a dead letter: <service>:<number>, as `list` shows them")
        return cls(service, int(offset))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters. What is None or empty does not restrict."""

    ids: tuple[LetterId, ...] = ()
    service: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    company: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A letter, and which documents of which companies it is about, as far as it can be read."""

    letter: Letter
    topic: str
    """Of its origin, without the installation's prefix."""
    documents: tuple[UUID, ...]
    companies: frozenset[str]


async def search(
    topics: DeadLetterTopics, wanted: Wanted, *, topic_prefix: str
) -> AsyncIterator[Sequence[Found | Stranger]]:
    """The wanted letters, a fetch at a time, and every record among them that is no letter of ours."""
    for service, only in _places(wanted):
        async for letters in topics.read(service, since=wanted.since, only=only):
            found = [
                item if isinstance(item, Stranger) else look_into(item, topic_prefix=topic_prefix)
                for item in letters
            ]
            yield [item for item in found if isinstance(item, Stranger) or _matches(item, wanted)]


def look_into(letter: Letter, *, topic_prefix: str) -> Found:
    """What a letter is about. Never raises: what cannot be read is about nothing we know."""
    topic = letter.origin.topic.removeprefix(topic_prefix)
    if _is_from_an_erp(topic):
        documents, companies = _of_an_erp(letter, topic)
    else:
        documents, companies = _of_an_event(letter)
    return Found(letter, topic, tuple(dict.fromkeys(documents)), frozenset(filter(None, companies)))


def _places(wanted: Wanted) -> Sequence[tuple[str, int | None]]:
    if wanted.ids:
        return [(item.service, item.offset) for item in wanted.ids]
    return [(service, None) for service in SERVICES if wanted.service in (None, service)]


def _matches(found: Found, wanted: Wanted) -> bool:
    letter = found.letter
    return (
        wanted.service in (None, letter.service)
        and wanted.reason in (None, letter.reason)
        and (wanted.since is None or letter.failed_at >= wanted.since)
        and (wanted.until is None or letter.failed_at < wanted.until)
        and (wanted.company is None or wanted.company in found.companies)
    )


def _is_from_an_erp(topic: str) -> bool:
    try:
        return declared(topic).name == events.SALES_INPUT_TEMPLATE
    except ConfigurationError:
        return False


def _of_an_erp(letter: Letter, topic: str) -> tuple[list[UUID], list[str | None]]:
    """As intake names them."""
    if letter.left_at_origin:
        return [], []
    ce_id = _header(letter, "ce_id")
    source = source_of(topic, events.SALES_INPUT_TEMPLATE)
    documents = split(letter.value or b"", source=source, ce_id=ce_id)
    return [item.document_id for item in documents], [item.company_nip for item in documents]


class _Event(msgspec.Struct):
    document: Any = None


_decoder = msgspec.json.Decoder(_Event)


def _of_an_event(letter: Letter) -> tuple[list[UUID], list[str | None]]:
    """By every name it gives its document, since one of them may be what is damaged."""
    document = _document_in(letter.value or b"")
    names = (
        document.get("document_id"),
        _header(letter, "ce_subject"),
        (letter.key or b"").decode(errors="replace"),
    )
    company = document.get("company_nip")
    documents = [uuid for name in names if (uuid := _uuid(name)) is not None]
    return documents, [company if isinstance(company, str) else None]


def _document_in(value: bytes) -> dict[str, Any]:
    try:
        document = _decoder.decode(value).document
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _header(letter: Letter, name: str) -> str | None:
    """As the stage reads it: leniently, and the last of several counts."""
    values = [value for key, value in letter.headers if key == name]
    return (values[-1] or b"").decode(errors="replace") if values else None


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
