"""Reading JSON request bodies and query parameters.

Lenient as .NET binding is: property names and enum values in any case, unknown properties ignored, null for
an absent optional. Strict about everything else: text that is no JSON is 21001, a field that breaks its
schema is 21405 naming the field, never a 500.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NoReturn

from simulator.protocol.errors import invalid_input, unreadable
from simulator.protocol.identifiers import Identifier
from simulator.protocol.times import parse_timestamp
from simulator.wire import Request

HASH_LENGTH = 44
REFERENCE_LENGTH = 36

_INT64_MAX = 2**63 - 1
_WORD = re.compile(r"[A-Za-z]{1,64}")
_CONTEXT_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "Nip": re.compile(r"[1-9](?:[0-9][1-9]|[1-9][0-9])[0-9]{7}"),
    "InternalId": re.compile(r"[1-9](?:[0-9][1-9]|[1-9][0-9])[0-9]{7}-[0-9]{5}"),
    "NipVatUe": re.compile(r"[1-9](?:[0-9][1-9]|[1-9][0-9])[0-9]{7}-[A-Z]{2}[0-9A-Z+*]{2,12}"),
    "PeppolId": re.compile(r"P[A-Z]{2}[0-9]{6}"),
}


class Fields:
    """One JSON object, read field by field; every method refuses with 21405 and the field's path."""

    def __init__(self, content: Mapping[str, object], *, path: str = "") -> None:
        self._content = content
        self._path = path

    def has(self, name: str) -> bool:
        return self._content.get(name.lower()) is not None

    def text(self, name: str, *, length: int | None = None) -> str:
        value = self._required(name)
        if not isinstance(value, str) or not value:
            self._refuse(name, "must be a non-empty string")
        if length is not None and len(value) != length:
            self._refuse(name, f"must be {length} characters long")
        if not value.isprintable():
            self._refuse(name, "contains characters that cannot be written")
        return value

    def base64(self, name: str, *, length: int | None = None, decoded_length: int | None = None) -> bytes:
        """Bytes from standard Base64 with padding; ``length`` counts characters, ``decoded_length`` bytes."""
        text = self.text(name, length=length)
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            self._refuse(name, "must be standard Base64 with padding")
        if decoded_length is not None and len(content) != decoded_length:
            self._refuse(name, f"must hold {decoded_length} bytes")
        return content

    def sha256(self, name: str) -> str:
        """A SHA-256 digest in Base64, as text."""
        return base64.b64encode(self.base64(name, length=HASH_LENGTH, decoded_length=32)).decode()

    def integer(self, name: str, *, minimum: int, maximum: int = _INT64_MAX) -> int:
        value = self._required(name)
        if isinstance(value, bool) or not isinstance(value, int):
            self._refuse(name, "must be an integer")
        if not minimum <= value <= maximum:
            self._refuse(name, f"must be between {minimum} and {maximum}")
        return value

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self._content.get(name.lower())
        if value is None:
            return default
        if not isinstance(value, bool):
            self._refuse(name, "must be true or false")
        return value

    def fields(self, name: str) -> "Fields":
        value = self._required(name)
        if not isinstance(value, dict):
            self._refuse(name, "must be an object")
        return Fields(value, path=self._name_of(name))

    def texts(self, name: str, *, pattern: re.Pattern[str], at_most: int) -> tuple[str, ...]:
        """A list of strings of one form; absent means empty."""
        value = self._content.get(name.lower())
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > at_most:
            self._refuse(name, f"must be a list of at most {at_most} strings")
        return tuple(self._matching(name, item, pattern) for item in value)

    def names(self, name: str) -> tuple[str, ...]:
        """A list of plain words; absent means empty."""
        return self.texts(name, pattern=_WORD, at_most=100)

    def number(self, name: str, *, minimum: float, maximum: float) -> float:
        value = self._required(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(name, "must be a number")
        if not minimum <= value <= maximum:
            self._refuse(name, f"must be between {minimum} and {maximum}")
        return value

    def items(self) -> Iterator[tuple[str, object]]:
        """Every property as it came, names in lower case."""
        return iter(self._content.items())

    def context(self, name: str) -> Identifier:
        """A context identifier ``{type, value}``; the type in any case, the value in the type's form."""
        fields = self.fields(name)
        kind = fields.choice("type", tuple(_CONTEXT_PATTERNS))
        value = fields.text("value")
        if _CONTEXT_PATTERNS[kind].fullmatch(value) is None:
            fields._refuse("value", f"is not a valid {kind}")  # noqa: SLF001  same class
        return Identifier(kind, value)

    def choice(self, name: str, options: Sequence[str]) -> str:
        return choice(self.text(name), options, where=self._name_of(name))

    def _matching(self, name: str, item: object, pattern: re.Pattern[str]) -> str:
        if not isinstance(item, str) or pattern.fullmatch(item) is None:
            self._refuse(name, "holds a value of the wrong form")
        return item

    def _required(self, name: str) -> object:
        value = self._content.get(name.lower())
        if value is None:
            self._refuse(name, "is required")
        return value

    def _name_of(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _refuse(self, name: str, reason: str) -> NoReturn:
        raise invalid_input(f"'{self._name_of(name)}' {reason}.")


class Parameters:
    """The query parameters of a request; names in any case, repeated ones allowed where a list is meant."""

    def __init__(self, request: Request) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in request.query:
            self._values.setdefault(name.lower(), []).append(value)

    def text(self, name: str) -> str | None:
        values = self._values.get(name.lower())
        return values[-1] if values else None

    def choice(self, name: str, options: Sequence[str]) -> str:
        value = self.text(name)
        if not value:
            raise invalid_input(f"'{name}' is required.")
        return choice(value, options, where=name)

    def choices(self, name: str, options: Sequence[str]) -> frozenset[str]:
        return frozenset(choice(value, options, where=name) for value in self._values.get(name.lower(), ()))

    def reference(self, name: str) -> str | None:
        value = self.text(name)
        return None if value is None else checked_reference(value, where=name)

    def moment(self, name: str) -> datetime | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return parse_timestamp(value)
        except ValueError as error:
            raise invalid_input(f"'{name}': {error}.") from error

    def page_size(self, *, minimum: int = 10, maximum: int, default: int = 10) -> int:
        value = self.text("pageSize")
        if value is None:
            return default
        if not value.isascii() or not value.isdigit() or len(value) > 6:
            raise invalid_input("'pageSize' must be an integer.")
        if not minimum <= int(value) <= maximum:
            raise invalid_input(f"'pageSize' must be between {minimum} and {maximum}.")
        return int(value)


def read_json(request: Request) -> Fields:
    """The JSON object in the body; 21001 when it is no JSON, 21405 when it is no object or empty."""
    media_type = request.header("content-type")
    if request.body and media_type is not None and "json" not in media_type.lower():
        raise unreadable("The body must be application/json.")
    return parse_object(request.body)


def parse_object(body: bytes) -> Fields:
    """The JSON object in ``body``, refused like `read_json` does."""
    if not body:
        raise invalid_input("The request has no body.")
    try:
        content = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_lower_case_names,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        # The reason names a position only: a parser's own text may quote the document.
        position = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise unreadable(f"The body is not readable JSON{position}.") from error
    if not isinstance(content, dict):
        raise invalid_input("The body must be a JSON object.")
    return Fields(content)


def checked_reference(value: str, *, where: str) -> str:
    if len(value) != REFERENCE_LENGTH or not value.isascii():
        raise invalid_input(f"'{where}' must be {REFERENCE_LENGTH} characters long.")
    return value


def choice(value: str, options: Sequence[str], *, where: str) -> str:
    """The option that ``value`` means, compared without regard to case."""
    for option in options:
        if option.lower() == value.lower():
            return option
    raise invalid_input(f"'{where}' must be one of {', '.join(options)}.")


def _lower_case_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = {name.lower(): value for name, value in pairs}
    if len(content) != len(pairs):
        raise ValueError("a property is named twice")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
