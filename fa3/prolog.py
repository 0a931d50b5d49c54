"""What stands before the root element: byte order mark, XML declaration, document type.

Invariant: a document type is refused before any parser sees it, wherever comments try to hide it.
"""

import codecs
import re
from collections.abc import Iterator

from contracts.findings import Finding
from fa3.places import place_of_byte

_declaration = re.compile(rb"<\?xml[ \t\r\n](?P<content>[^>]{0,200}?)\?>").match
_encoding = re.compile(rb"encoding[ \t\r\n]*=[ \t\r\n]*[\"']([A-Za-z0-9._:-]*)[\"']").search
_version = re.compile(rb"version[ \t\r\n]*=[ \t\r\n]*[\"']([0-9.]*)[\"']").search

_MARKS = {
    codecs.BOM_UTF8: "a UTF-8 byte order mark",
    codecs.BOM_UTF16_LE: "a UTF-16 byte order mark",
    codecs.BOM_UTF16_BE: "a UTF-16 byte order mark",
}


def problems(raw: bytes) -> Iterator[Finding]:
    """K01 for a byte order mark, another encoding than UTF-8, another XML than 1.0, a document type."""
    for mark, name in _MARKS.items():
        if raw.startswith(mark):
            yield _refused(
                f"begins with {name}", "Write UTF-8 without a byte order mark.", "line 1, column 1"
            )
    start = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    declaration = _declaration(raw, start)
    if declaration:
        yield from _declared(declaration["content"])
    doctype = _doctype(raw, declaration.end() if declaration else start)
    if doctype is not None:
        yield _refused(
            "has a document type (DOCTYPE)",
            "Remove it; an invoice needs no entities and no DTD.",
            place_of_byte(raw, doctype),
        )


def _declared(content: bytes) -> Iterator[Finding]:
    encoding, version = _encoding(content), _version(content)
    if encoding and encoding[1].upper() != b"UTF-8":
        name = encoding[1].decode("ascii")
        yield _refused(
            f"declares the encoding {name}", "Write and declare UTF-8, or declare nothing.", "line 1"
        )
    if version and version[1] != b"1.0":
        yield _refused(f"declares XML {version[1].decode('ascii')}", "Declare version 1.0.", "line 1")


def _doctype(raw: bytes, start: int) -> int | None:
    """The offset of a document type declaration. Linear: every byte is passed over once."""
    position = start
    while True:
        position = _past_blanks(raw, position)
        if raw.startswith(b"<!DOCTYPE", position):
            return position
        closing = next((end for opening, end in _SKIPPED if raw.startswith(opening, position)), None)
        end = raw.find(closing, position) if closing else -1
        if closing is None or end < 0:
            return None
        position = end + len(closing)


_SKIPPED = ((b"<!--", b"-->"), (b"<?", b"?>"))
_past = re.compile(rb"[ \t\r\n]*").match


def _past_blanks(raw: bytes, position: int) -> int:
    blanks = _past(raw, position)
    return blanks.end() if blanks else position


def _refused(problem: str, next_step: str, place: str) -> Finding:
    return Finding(code="K01", text=f"The document {problem}.", next_step=next_step, place=place)
