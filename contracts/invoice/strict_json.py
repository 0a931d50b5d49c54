"""JSON read exactly: no float in between, no field lost, no surprise taken on trust.

Invariant: numbers keep their digits as ``Decimal``; a field written twice is reported, because a reader
would keep one of the two in silence; what is no number of JSON (``NaN``, 5,000 digits) survives as
``OddNumber`` so that its place can be named.
"""

import codecs
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from contracts.findings import Finding
from contracts.wording import Wording

Path: TypeAlias = tuple[str | int, ...]

LONGEST_NUMBER: Final = 64
"""Characters of a number; the longest amount of FA(3) has 24."""


class UnreadableJson(ValueError):
    """The bytes are no JSON text at all; ``finding`` says why and where."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


@dataclass(frozen=True, slots=True)
class OddNumber:
    """A number that is none: ``NaN``, an infinity, or one of absurd length or size."""

    text: str


@dataclass(frozen=True, slots=True)
class JsonText:
    """The value, and the path of every field written more than once (the last one is in the value)."""

    value: Any
    repeated: tuple[Path, ...]


def parse(raw: bytes, *, most_bytes: int) -> JsonText:
    """Read one JSON text in UTF-8; a byte order mark in front is passed over.

    Raises ``UnreadableJson`` for codes C01 (size), C02 (encoding), C03 (syntax) and C04 (depth).
    """
    text = _decoded(raw, most_bytes=most_bytes)
    try:
        return _parsed(text)
    except json.JSONDecodeError as error:
        raise _no_json(error) from None
    except RecursionError:
        raise UnreadableJson(
            Finding(
                code="C04",
                text="The document is nested too deeply to be read.",
                text_pl="Dokument jest zagnieżdżony zbyt głęboko, by go odczytać.",
                next_step="Write the fields of invoice/1 as its schema has them; no part of it is that deep.",
                next_step_pl="Zapisz pola invoice/1 tak, jak ma je schemat; nie jest tak głęboki.",
            )
        ) from None


def _parsed(text: str) -> JsonText:
    try:
        return JsonText(_plain_decoder.decode(text), ())
    except json.JSONDecodeError:
        raise
    except (ValueError, InvalidOperation):
        # A repeated field, NaN, or more digits than Python takes: rare enough to be read a second time.
        return _parsed_in_full(text)


class _OddityError(ValueError):
    """Something that only the decoder in full can name."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _OddityError
    return fields


def _no_constant(_text: str) -> Any:
    raise _OddityError


# Shared by all threads: a decoder keeps no state between calls.
_plain_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_no_constant)


def _parsed_in_full(text: str) -> JsonText:
    repeated: list[tuple[dict[str, Any], str]] = []

    def noting_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in pairs:
            if name in fields:
                repeated.append((fields, name))
            fields[name] = value
        return fields

    decoder = json.JSONDecoder(
        object_pairs_hook=noting_repeats,
        parse_float=lambda number: _number(number, Decimal),
        parse_int=lambda number: _number(number, int),
        parse_constant=OddNumber,
    )
    value = decoder.decode(text)
    return JsonText(value, tuple(_paths_of(repeated, within=value)))


def _number(text: str, kind: Callable[[str], Any]) -> Any:
    if len(text) > LONGEST_NUMBER:
        return OddNumber(text)
    try:
        return kind(text)
    except InvalidOperation:  # an exponent beyond all bounds
        return OddNumber(text)


def _paths_of(repeated: list[tuple[dict[str, Any], str]], *, within: Any) -> Iterator[Path]:
    names: dict[int, list[str]] = {}
    for fields, name in repeated:
        names.setdefault(id(fields), []).append(name)
    unvisited: list[tuple[Path, Any]] = [((), within)]
    while unvisited and names:
        path, value = unvisited.pop()
        if isinstance(value, dict):
            for name in dict.fromkeys(names.get(id(value), ())):
                yield (*path, name)
            unvisited.extend(((*path, name), child) for name, child in value.items())
        elif isinstance(value, list):
            unvisited.extend(((*path, index), child) for index, child in enumerate(value))


def _decoded(raw: bytes, *, most_bytes: int) -> str:
    if len(raw) > most_bytes:
        raise UnreadableJson(
            Finding(
                code="C01",
                text=f"The document has {len(raw):,} bytes, at most {most_bytes:,} are read.",
                text_pl=f"Dokument ma bajtów: {len(raw)}, a odczytywane jest najwyżej {most_bytes}.",
                next_step="Split the invoice, or shorten texts that repeat on every line.",
                next_step_pl="Podziel fakturę albo skróć teksty, które powtarzają się w każdym wierszu.",
            )
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableJson(
            Finding(
                code="C02",
                text=f"The document is not UTF-8: byte {error.start} is wrong.{_other(raw).en}",
                text_pl=f"Dokument nie jest w UTF-8: błędny bajt {error.start}.{_other(raw).pl}",
                next_step="Publish the document in UTF-8.",
                next_step_pl="Opublikuj dokument w UTF-8.",
                place=f"byte {error.start}",
            )
        ) from None


def _other(raw: bytes) -> Wording:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Wording(" It looks like UTF-16.", " Wygląda na UTF-16.")
    return Wording("", "")


def _no_json(error: json.JSONDecodeError) -> UnreadableJson:
    return UnreadableJson(
        Finding(
            code="C03",
            text=f"The document is not JSON: {error.msg.lower()}.",
            text_pl=f"Dokument nie jest poprawnym JSON; parser mówi: {error.msg.lower()}.",
            next_step="Check the document with a JSON tool at the place named.",
            next_step_pl="Sprawdź dokument narzędziem do JSON we wskazanym miejscu.",
            place=f"line {error.lineno}, column {error.colno}",
        )
    )
