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
from fa3.fields import field_of
from fa3.places import path_of, place_of_byte

MOST_FINDINGS: Final = 10

_LAST_OF_PLANE: Final = rb"[\x8f\x9f\xaf\xbf]\xbf[\xbe\xbf]"

# Each pattern begins with a byte of its own: to look for a single byte costs next to nothing, for two it
# does not.
_REFUSED_BYTES: Final = (
    (b"\x7f", re.compile(rb"\x7f")),
    (b"\xc2", re.compile(rb"\xc2[\x80-\x84\x86-\x9f]")),
    (b"\xef", re.compile(rb"\xef\xb7[\x90-\xaf]")),
    *((bytes([lead]), re.compile(bytes([lead]) + _LAST_OF_PLANE)) for lead in range(0xF0, 0xF5)),
)

_find_instructions = etree.XPath("//processing-instruction()")


def no_utf8(raw: bytes) -> Finding | None:
    """K02 for the first byte that is no UTF-8, if there is one."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return Finding(
            code="K02",
            text=f"The document is not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}.",
            text_pl=f"Dokument nie jest w UTF-8: bajt {error.start} to 0x{raw[error.start]:02x}.",
            next_step="Write the document in UTF-8; this looks like a text in an older code page.",
            next_step_pl="Zapisz dokument w UTF-8; wygląda to na tekst w starszej stronie kodowej.",
            place=place_of_byte(raw, error.start),
        )
    return None


def problems(raw: bytes, root: "etree._Element") -> Iterator[Finding]:
    """K03 for refused characters, written out or as references, and for processing instructions."""
    matches = (match for lead, pattern in _REFUSED_BYTES if lead in raw for match in pattern.finditer(raw))
    for match in islice(matches, MOST_FINDINGS):
        yield _refused(match[0].decode(), place=place_of_byte(raw, match.start()))
    if b"&" in raw and b"&#" in raw:
        yield from islice(_hidden(root), MOST_FINDINGS)
    # The last question mark of most documents is that of the XML declaration.
    if raw.rfind(b"?") > (raw.find(b"?>") if raw.startswith(b"<?xml") else -1):
        yield from islice(_instructions(root), MOST_FINDINGS)


def _instructions(root: "etree._Element") -> Iterator[Finding]:
    found: Any = _find_instructions(root.getroottree())
    for instruction in found:
        yield Finding(
            code="K03",
            text=f"The document has the processing instruction {instruction.target}.",
            text_pl=f"Dokument zawiera instrukcję przetwarzania {instruction.target}.",
            next_step="Remove it; KSeF refuses processing instructions.",
            next_step_pl="Usuń ją; KSeF nie przyjmuje instrukcji przetwarzania.",
            place=f"line {instruction.sourceline}",
        )


def _hidden(root: "etree._Element") -> Iterator[Finding]:
    for element in root.iter(etree.Element):
        for text in (element.text, element.tail, *element.attrib.values()):
            if text and (found := refused_character(str(text))):
                yield _refused(found.group(), fa3_path=path_of(element))


def _refused(character: str, *, place: str | None = None, fa3_path: str | None = None) -> Finding:
    return Finding(
        code="K03",
        text=f"The document holds the character U+{ord(character):04X}, which KSeF refuses.",
        text_pl=f"Dokument zawiera znak U+{ord(character):04X}, którego KSeF nie przyjmuje.",
        next_step="Remove it where the text is made; often a text in code page 1252 was taken for UTF-8.",
        next_step_pl="Usuń go tam, gdzie tekst powstaje; często to strona kodowa 1252 wzięta za UTF-8.",
        field=field_of(fa3_path) if fa3_path else None,
        fa3_path=fa3_path,
        place=place,
    )
