"""What stands before the root element: byte order mark, XML declaration, document type.

Invariant: a document type is refused before any parser sees it, wherever comments try to hide it.
"""

import codecs
import re
from collections.abc import Iterator

from contracts.findings import Finding
from contracts.wording import Wording
from fa3.places import place_of_byte

_declaration = re.compile(rb"<\?xml[ \t\r\n](?P<content>[^>]{0,200}?)\?>").match
_encoding = re.compile(rb"encoding[ \t\r\n]*=[ \t\r\n]*[\"']([A-Za-z0-9._:-]*)[\"']").search
_version = re.compile(rb"version[ \t\r\n]*=[ \t\r\n]*[\"']([0-9.]*)[\"']").search

_MARKS = {
    codecs.BOM_UTF8: "UTF-8",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def problems(raw: bytes) -> Iterator[Finding]:
    """K01 for a byte order mark, another encoding than UTF-8, another XML than 1.0, a document type."""
    for mark, name in _MARKS.items():
        if raw.startswith(mark):
            yield _refused(
                Wording(
                    f"begins with a {name} byte order mark",
                    f"zaczyna się znacznikiem kolejności bajtów {name}",
                ),
                Wording(
                    "Write UTF-8 without a byte order mark.", "Zapisz UTF-8 bez znacznika kolejności bajtów."
                ),
                "line 1, column 1",
            )
    start = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    declaration = _declaration(raw, start)
    if declaration:
        yield from _declared(declaration["content"])
    doctype = _doctype(raw, declaration.end() if declaration else start)
    if doctype is not None:
        yield _refused(
            Wording("has a document type (DOCTYPE)", "ma deklarację typu (DOCTYPE)"),
            Wording(
                "Remove it; an invoice needs no entities and no DTD.",
                "Usuń ją; faktura nie potrzebuje encji ani DTD.",
            ),
            place_of_byte(raw, doctype),
        )


def _declared(content: bytes) -> Iterator[Finding]:
    encoding, version = _encoding(content), _version(content)
    if encoding and encoding[1].upper() != b"UTF-8":
        name = encoding[1].decode("ascii")
        yield _refused(
            Wording(f"declares the encoding {name}", f"deklaruje kodowanie {name}"),
            Wording(
                "Write and declare UTF-8, or declare nothing.",
                "Zapisz i zadeklaruj UTF-8 albo nie deklaruj niczego.",
            ),
            "line 1",
        )
    if version and version[1] != b"1.0":
        number = version[1].decode("ascii")
        yield _refused(
            Wording(f"declares XML {number}", f"deklaruje XML {number}"),
            Wording("Declare version 1.0.", "Zadeklaruj wersję 1.0."),
            "line 1",
        )


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


def _refused(problem: Wording, next_step: Wording, place: str) -> Finding:
    return Finding(
        code="K01",
        text=f"The document {problem.en}.",
        text_pl=f"Dokument {problem.pl}.",
        next_step=next_step.en,
        next_step_pl=next_step.pl,
        place=place,
    )
