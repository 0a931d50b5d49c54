"""Whether two invoices are the same document.

Invariant: the hash depends on what the invoice says, never on how it was written: not on the order of fields,
blanks, trailing zeros, defaults spelt out, or where it comes from.
"""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any

from contracts.base import Sha256Hex
from contracts.invoice.amounts import plain
from contracts.invoice.document import Invoice
from contracts.invoice.part import Part


def content_hash(invoice: Invoice) -> Sha256Hex:
    """SHA-256, in hex, of the canonical text of the invoice in UTF-8."""
    return hashlib.sha256(canonical_text(invoice).encode()).hexdigest()


def canonical_text(invoice: Invoice) -> str:
    """The invoice as JSON, written in exactly one way.

    No white space; fields sorted by code point under the names of ``invoice/1``; characters escaped only
    where JSON demands it. Left out are ``source``, fields at their default and parts without content, so
    that an optional field added by a later version leaves no trace while it is unused; ``model`` always
    stands. Amounts are texts without exponent and trailing zeros (``1.10`` is ``"1.1"``, ``-0`` is
    ``"0"``), days and points in time are texts in ISO 8601, the latter in UTC.
    """
    return _part(invoice.model_copy(update={"source": None}))


@cache
def _fields(part: type[Part]) -> tuple[tuple[tuple[str, Any], ...], Callable[[Part], tuple[Any, ...]]]:
    """Labels and defaults of a part's fields in canonical order, and what gets their values."""
    named = sorted((info.alias or name, name, info.default) for name, info in part.model_fields.items())
    attributes = [name for _, name, _ in named]
    get = attrgetter(*attributes) if len(attributes) > 1 else lambda one: (getattr(one, attributes[0]),)
    return tuple((f"{encode_basestring(shown)}:", default) for shown, _, default in named), get


def _part(part: Part) -> str:
    fields, values_of = _fields(type(part))
    members = []
    for (label, default), value in zip(fields, values_of(part), strict=True):
        if value is default or (default is not None and value == default):
            continue
        text = _value(value)
        if text != "{}":
            members.append(label + text)
    return "{" + ",".join(members) + "}"


def _value(value: Any) -> str:
    written = _WRITTEN.get(type(value))
    return written(value) if written else _part(value)


def _list(values: tuple[Any, ...]) -> str:
    return "[" + ",".join(map(_value, values)) + "]"


def _amount(amount: Decimal) -> str:
    text = plain(amount)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f'"{text}"' if amount else '"0"'


def _moment(moment: date) -> str:
    return f'"{moment.isoformat()}"'


_WRITTEN: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    bool: lambda value: "true" if value else "false",
    int: str,
    Decimal: _amount,
    date: _moment,
    datetime: _moment,
    tuple: _list,
}
