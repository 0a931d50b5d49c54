"""Reading an invoice file as KSeF does: file rules first, then XML, then schema, then the facts it needs.

Every rule that fails raises `Rejected` with the invoice status code it leads to.
"""

import re
from dataclasses import dataclass, field
from datetime import date

from lxml import etree

from simulator.invoice.schema import FA3_NAMESPACE, schema_violations
from simulator.store.rows import DuplicateKey

BAD_FILE = 430
BAD_DOCUMENT = 450

_BOM = b"\xef\xbb\xbf"
_DECLARATION = re.compile(rb"""<\?xml\s[^>]*?\?>""")
_DECLARED_ENCODING = re.compile(rb"""\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# The search for a lead byte is many times faster than the exact pattern, and mostly finds nothing.
_SUSPECT = re.compile(rb"[\x7f\xc2\xef\xf0-\xf4]")
# UTF-8 of U+007F-0084, U+0086-009F, U+FDD0-FDEF and the last two code points of planes 1 to 16
_DISCOURAGED = re.compile(
    rb"\x7f|\xc2[\x80-\x84\x86-\x9f]|\xef\xb7[\x90-\xaf]|[\xf0-\xf4][\x8f\x9f\xaf\xbf]\xbf[\xbe\xbf]"
)
_ATTACHMENT = f"{{{FA3_NAMESPACE}}}Zalacznik"
_PARTIES = {
    f"{{{FA3_NAMESPACE}}}{name}": name for name in ("Podmiot1", "Podmiot2", "Podmiot3", "PodmiotUpowazniony")
}


@dataclass(eq=False)
class Rejected(Exception):
    """The invoice ends with this status code."""

    code: int
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a valid FA(3) document says about itself, as far as KSeF's rules need it."""

    key: DuplicateKey
    issued_on: date
    buyer_nip: str | None
    self_billed: bool
    has_attachment: bool
    nips: tuple[tuple[str, str], ...] = field(default=())
    """Every NIP of a party with its place, e.g. ``("Podmiot2", "1111111111")``; InternalIds by their NIP."""


def read_document(content: bytes, *, refuse_discouraged: bool) -> Facts:
    """The facts of a schema-valid FA(3) file."""
    _check_file(content)
    root = _parse(content)
    _check_prolog(content, root)
    if refuse_discouraged and _has_discouraged_characters(content, root):
        raise Rejected(BAD_DOCUMENT, ("Dokument zawiera niedozwolone znaki.",))
    violations = schema_violations(root)
    if violations:
        raise Rejected(BAD_DOCUMENT, violations)
    return _facts(root)


def _check_file(content: bytes) -> None:
    if content.startswith(_BOM):
        raise Rejected(BAD_FILE, ("Plik zawiera znacznik BOM.",))
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejected(BAD_DOCUMENT, ("Plik nie jest zakodowany w UTF-8.",)) from error
    declaration = _DECLARATION.match(content)
    encoding = _DECLARED_ENCODING.search(declaration.group()) if declaration else None
    if encoding is not None and encoding.group(1).lower() != b"utf-8":
        raise Rejected(BAD_DOCUMENT, ("Prolog deklaruje kodowanie inne niż UTF-8.",))


def _parse(content: bytes) -> etree._Element:
    # Comments go: one inside <P_2> would otherwise cut the number in two for us, but not for the schema.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Rejected(BAD_DOCUMENT, ("Nieprawidłowy XML",)) from error


def _check_prolog(content: bytes, root: etree._Element) -> None:
    # lxml validates a document with unresolved entities by raising, so a DOCTYPE must go before the schema.
    if root.getroottree().docinfo.doctype:  # type: ignore[attr-defined]  # missing in lxml-stubs
        raise Rejected(BAD_DOCUMENT, ("Dokument zawiera deklarację DOCTYPE.",))
    # Counting is cheap and nearly always enough; CDATA may hold the characters without an instruction.
    declared = 1 if _DECLARATION.match(content) else 0
    if content.count(b"<?") > declared and _has_instruction(root):
        raise Rejected(BAD_DOCUMENT, ("Dokument zawiera instrukcję przetwarzania.",))


def _has_instruction(root: etree._Element) -> bool:
    return bool(root.getroottree().xpath("boolean(//processing-instruction())"))


def _has_discouraged_characters(content: bytes, root: etree._Element) -> bool:
    if _holds_discouraged(content):
        return True
    # A character reference hides them from the raw bytes.
    return b"&#" in content and _holds_discouraged(etree.tostring(root, encoding="utf-8"))


def _holds_discouraged(content: bytes) -> bool:
    suspect = _SUSPECT.search(content)
    return suspect is not None and _DISCOURAGED.search(content, suspect.start()) is not None


def _facts(root: etree._Element) -> Facts:
    """The facts of a valid document; the schema has made sure that what is read as required is there."""
    body = _child(root, "Fa")
    seller = _child(root, "Podmiot1")
    return Facts(
        key=DuplicateKey(
            seller_nip=_text(_child(seller, "DaneIdentyfikacyjne"), "NIP"),
            kind=_text(body, "RodzajFaktury"),
            number=_text(body, "P_2"),
        ),
        issued_on=date.fromisoformat(_text(body, "P_1")),
        buyer_nip=_text(_child(_child(root, "Podmiot2"), "DaneIdentyfikacyjne"), "NIP") or None,
        self_billed=int(_text(_child(body, "Adnotacje"), "P_17")) == 1,
        has_attachment=root.find(_ATTACHMENT) is not None,
        nips=_nips(root),
    )


def _nips(root: etree._Element) -> tuple[tuple[str, str], ...]:
    found = []
    for party in root:
        if party.tag in _PARTIES:
            identity = _child(party, "DaneIdentyfikacyjne")
            nip = _text(identity, "NIP") or _text(identity, "IDWew")[:10]
            if nip:
                found.append((_PARTIES[party.tag], nip))
    return tuple(found)


def _child(element: etree._Element, name: str) -> etree._Element:
    child = element.find(f"{{{FA3_NAMESPACE}}}{name}")
    if child is None:
        raise LookupError(f"a schema-valid FA(3) document has no {name}")
    return child


def _text(element: etree._Element, name: str) -> str:
    """The text of a child with white space collapsed, as the schema's types collapse it; empty without it."""
    return " ".join((element.findtext(f"{{{FA3_NAMESPACE}}}{name}") or "").split())
