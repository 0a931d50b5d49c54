"""What the rest of the system needs to know about a document: who, what, when, how much.

Invariant: reading never fails. The reader serves ready-made XML too, valid or not: what is absent or
unreadable is ``None``; whether that is allowed, the schema says.
"""

import re
import threading
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict

from lxml import etree

from contracts.findings import Finding
from fa3 import prolog
from fa3.document import Document, Findings, hardened_parser, parse_tree, unknown_root, version_of

_end_of_kind = re.compile(rb"</(?:[A-Za-z0-9_.-]+:)?RodzajFaktury[ \t\r\n]*>").search
_blanks = re.compile(r"[ \t\r\n]+")
_amount = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What intake decides by: who speaks, for whom, about which invoice."""

    seller_nip: str | None
    buyer_nip: str | None
    kind: str | None
    number: str | None
    self_billing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Envelope):
    """What tracking, deduplication and sending go by.

    ``gross`` is P_15 in ``currency``; ``corrected_ksef_numbers`` are the originals of a correction that
    KSeF holds.
    """

    issue_date: date | None
    currency: str | None
    gross: Decimal | None
    third_party_nips: tuple[str, ...]
    third_party_internal_ids: tuple[str, ...]
    authorised_nip: str | None
    has_attachment: bool
    corrected_ksef_numbers: tuple[str, ...]


def facts(document: Document) -> Facts:
    """The facts of a parsed document. Some 0.1 µs for each of its lines."""
    read = _Reader(document.root, document.version.namespace)
    return Facts(
        **_envelope(read),
        issue_date=_day(read.text("Fa/P_1")),
        currency=read.text("Fa/KodWaluty"),
        gross=_decimal(read.text("Fa/P_15")),
        third_party_nips=read.texts("Podmiot3/DaneIdentyfikacyjne/NIP"),
        third_party_internal_ids=read.texts("Podmiot3/DaneIdentyfikacyjne/IDWew"),
        authorised_nip=read.text("PodmiotUpowazniony/DaneIdentyfikacyjne/NIP"),
        has_attachment=document.has_attachment,
        corrected_ksef_numbers=read.texts("Fa/DaneFaKorygowanej/NrKSeFFaKorygowanej"),
    )


def envelope(raw: bytes) -> Envelope | Findings:
    """The envelope of a document that nobody has parsed yet, or why there is none (K01, K04).

    Reads no further than RodzajFaktury, before the lines begin, so that the cost does not grow with them.
    Says nothing about the rest of the document: that is for ``fa3.document.parse``.
    """
    refused = tuple(prolog.problems(raw))
    if refused:
        return refused
    head = _head(raw)
    found = () if head is None else _envelope_of(head)
    if isinstance(found, Envelope) and found.seller_nip and found.kind:
        return found
    whole = parse_tree(raw)
    return (whole,) if isinstance(whole, Finding) else _envelope_of(whole)


def _head(raw: bytes) -> "etree._Element | None":
    """The document down to RodzajFaktury; what is well-formed is parsed as it would be in the whole."""
    end = _end_of_kind(raw)
    try:
        return etree.fromstring(raw[: end.end()], _lenient_parser()) if end else None
    except etree.XMLSyntaxError:
        return None


def _envelope_of(root: "etree._Element") -> Envelope | Findings:
    version = version_of(root)
    if version is None:
        return (unknown_root(root),)
    return Envelope(**_envelope(_Reader(root, version.namespace)))


def _envelope(read: "_Reader") -> "_EnvelopeFields":
    return {
        "seller_nip": read.text("Podmiot1/DaneIdentyfikacyjne/NIP"),
        "buyer_nip": read.text("Podmiot2/DaneIdentyfikacyjne/NIP"),
        "kind": read.text("Fa/RodzajFaktury"),
        "number": read.text("Fa/P_2"),
        "self_billing": _is_one(read.text("Fa/Adnotacje/P_17")),
    }


class _EnvelopeFields(TypedDict):
    seller_nip: str | None
    buyer_nip: str | None
    kind: str | None
    number: str | None
    self_billing: bool


class _Reader:
    """Texts of elements by their path, blanks collapsed; an empty element is as good as none."""

    def __init__(self, root: "etree._Element", namespace: str) -> None:
        self._root = root
        self._prefix = f"{{{namespace}}}"

    def text(self, path: str) -> str | None:
        element = self._root
        for step in path.split("/"):
            # Several times as fast as find(), which interprets its path anew.
            child = next(element.iterchildren(self._prefix + step), None)
            if child is None:
                return None
            element = child
        return _text_of(element) or None

    def texts(self, path: str) -> tuple[str, ...]:
        elements = [self._root]
        for step in path.split("/"):
            elements = [child for one in elements for child in one.iterchildren(self._prefix + step)]
        return tuple(filter(None, map(_text_of, elements)))


def _text_of(element: "etree._Element") -> str:
    text = "".join(map(str, element.itertext())) if len(element) else element.text or ""
    return _blanks.sub(" ", text).strip(" ")


def _is_one(text: str | None) -> bool:
    # The schema compares numbers: 01 and +1 say yes as well.
    return text is not None and text.lstrip("+").lstrip("0") == "1"


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text and _amount(text) else None


_threads = threading.local()


def _lenient_parser() -> "etree.XMLParser":
    if not hasattr(_threads, "parser"):
        _threads.parser = hardened_parser(recover=True)
    parser: etree.XMLParser = _threads.parser
    return parser
