"""Characters and nodes that KSeF refuses although XML allows them, and bytes that are no UTF-8.

Invariant: a document free of them costs a few searches for single bytes; the tree is walked only if a
character reference could hide something. (KSeF API 2.9, verification of an invoice: U+007F–0084,
U+0086–009F, U+FDD0–FDEF, the last two code points of planes 1–16, processing instructions.)
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from lxml import etree

from contracts.findings import Finding
from contracts.invoice.texts import refused_character
from fa3.places import path_of, place_of_byte

MOST_FINDINGS: Final = 10

# Each pattern holds the bytes named before it, so that a document without them is passed over at once.
_REFUSED_BYTES: Final = (
    (b"\x7f", re.compile(rb"\x7f")),
    (b"\xc2", re.compile(rb"\xc2[\x80-\x84\x86-\x9f]")),
    (b"\xef\xb7", re.compile(rb"\xef\xb7[\x90-\xaf]")),
    (b"\xbf\xbe", re.compile(rb"[\xf0-\xf4][\x8f\x9f\xaf\xbf]\xbf\xbe")),
    (b"\xbf\xbf", re.compile(rb"[\xf0-\xf4][\x8f\x9f\xaf\xbf]\xbf\xbf")),
)

_instructions = etree.XPath("//processing-instruction()")


def problems_in_bytes(raw: bytes) -> Iterator[Finding]:
    """K02 for the first byte that is no UTF-8, or else K03 for the first refused characters."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        yield Finding(
            code="K02",
            text=f"The document is not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}.",
            next_step="Write the document in UTF-8; this looks like a text in an older code page.",
            place=place_of_byte(raw, error.start),
        )
        return
    matches = (match for lead, pattern in _REFUSED_BYTES if lead in raw for match in pattern.finditer(raw))
    for match in islice(matches, MOST_FINDINGS):
        yield _refused(match[0].decode(), place=place_of_byte(raw, match.start()))


def problems_in_tree(raw: bytes, root: "etree._Element") -> Iterator[Finding]:
    """K03 for processing instructions, and for refused characters written as references."""
    if raw.count(b"<?") > raw.startswith(b"<?xml"):
        instructions: Any = _instructions(root.getroottree())
        for instruction in instructions[:MOST_FINDINGS]:
            yield Finding(
                code="K03",
                text=f"The document has the processing instruction {instruction.target}.",
                next_step="Remove it; KSeF refuses processing instructions.",
                place=f"line {instruction.sourceline}",
            )
    if b"&" in raw and b"&#" in raw:
        yield from islice(_hidden(root), MOST_FINDINGS)


def _hidden(root: "etree._Element") -> Iterator[Finding]:
    for element in root.iter(etree.Element):
        for text in (element.text, element.tail, *element.attrib.values()):
            if text and (found := refused_character(str(text))):
                yield _refused(found.group(), fa3_path=path_of(element))


def _refused(character: str, *, place: str | None = None, fa3_path: str | None = None) -> Finding:
    return Finding(
        code="K03",
        text=f"The document holds the character U+{ord(character):04X}, which KSeF refuses.",
        next_step="Remove it where the text is made; often a text in code page 1252 was taken for UTF-8.",
        place=place,
        fa3_path=fa3_path,
    )
