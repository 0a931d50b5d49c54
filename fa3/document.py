"""A document as bytes and as a tree, parsed without trust.

Invariant: what cannot be sent is found before the tree is used: a size, an encoding, a document type, a
character that KSeF refuses. No entity is resolved, nothing is fetched, nesting is bounded; the bytes are
kept as they came, for their hash is what KSeF knows.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from lxml import etree

from contracts.findings import Finding
from fa3 import characters, prolog
from fa3.places import name_of, namespace_of
from fa3.versions import REFUSED_NAMESPACES, ROOT, VERSIONS, Version

Findings: TypeAlias = tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """Largest documents in bytes (KSeF API 2.9, ``GET /limits/context``; a context may have others)."""

    plain: int = 1_000_000
    with_attachment: int = 3_000_000


STANDARD_LIMITS: Final = SizeLimits()


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """An invoice of a known version.

    ``root`` is not to be changed; it may move between threads, not be shared by them.
    """

    raw: bytes
    root: "etree._Element"
    version: Version

    @property
    def has_attachment(self) -> bool:
        """Whether the document carries structured attachments (KSeF takes them in batch sessions only)."""
        return self.root.find(f"{{{self.version.namespace}}}Zalacznik") is not None

    @property
    def lines(self) -> int:
        """How many lines of text the document has."""
        return self.raw.count(b"\n") + 1


def parse(raw: bytes, *, limits: SizeLimits = STANDARD_LIMITS) -> Document | Findings:
    """The document, or findings K01 (XML, encoding), K02 (UTF-8), K03 (content), K04 (root), K05 (size).

    Several at once where one does not hide the other. Raises nothing on account of the document.
    """
    if len(raw) > limits.with_attachment:
        return (_too_large(raw, limits.with_attachment),)
    found = tuple(prolog.problems(raw))
    if found:
        return found
    root = parse_tree(raw)
    if isinstance(root, Finding):
        return (root,)
    found = (*characters.problems(raw, root), *_size(raw, root, limits))
    version = version_of(root)
    if version is None:
        return (*found, unknown_root(root))
    return found or Document(raw, root, version)


def parse_tree(raw: bytes) -> "etree._Element | Finding":
    """The root element of well-formed XML, or K01 or K02. The prolog must have been looked at before."""
    try:
        root = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as error:
        return characters.no_utf8(raw) or _not_well_formed(error)
    information: Any = root.getroottree().docinfo
    if information.doctype:  # the prolog has been looked at; this is the second lock
        return Finding(
            code="K01",
            text="The document has a document type (DOCTYPE).",
            text_pl="Dokument ma deklarację typu (DOCTYPE).",
            next_step="Remove it.",
            next_step_pl="Usuń ją.",
        )
    return root


def version_of(root: "etree._Element") -> Version | None:
    """The version of the invoice form that a root element announces."""
    return VERSIONS.get(namespace_of(root)) if name_of(root) == ROOT else None


def hardened_parser(*, recover: bool = False) -> "etree.XMLParser":
    """A parser that resolves no entity, fetches nothing, bounds nesting and leaves comments out.

    It takes UTF-8 alone, and that strictly: left to itself, libxml2 would recognise UTF-32 and others.
    """
    return etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        collect_ids=False,
        recover=recover,
    )


_threads = threading.local()


def _parser() -> "etree.XMLParser":
    # A parser holds state between calls: one for each thread.
    if not hasattr(_threads, "parser"):
        _threads.parser = hardened_parser()
    parser: etree.XMLParser = _threads.parser
    return parser


def unknown_root(root: "etree._Element") -> Finding:
    """The refusal of a document that is no invoice of a known version."""
    name, namespace = name_of(root), namespace_of(root)
    other = REFUSED_NAMESPACES.get(namespace)
    known = " or ".join(version.name for version in VERSIONS.values())
    what = f"is {other.en}" if other else f"has the root {name} in namespace {namespace or 'none'}"
    what_pl = f"to {other.pl}" if other else f"ma korzeń {name} w przestrzeni nazw {namespace or '(brak)'}"
    return Finding(
        code="K04",
        text=f"The document {what}; expected is {ROOT} of {known}.",
        text_pl=f"Dokument {what_pl}; oczekiwano: {ROOT} we wzorze {known}.",
        next_step=f"Send the invoice as {known}.",
        next_step_pl=f"Wyślij fakturę we wzorze {known}.",
        fa3_path=name,
        value=namespace or None,
        allowed=tuple(VERSIONS),
    )


def _not_well_formed(error: etree.XMLSyntaxError) -> Finding:
    line, column = error.position
    problem = (error.msg or "it cannot be parsed").split(", line ")[0].split(", use XML_PARSE")[0].strip()
    return Finding(
        code="K01",
        text=f"The document is not well-formed XML: {problem}.",
        text_pl=f"Dokument nie jest poprawnie zbudowanym XML; parser mówi: {problem}.",
        next_step="Correct the XML at the place named, or have a library write it.",
        next_step_pl="Popraw XML we wskazanym miejscu albo zapisuj go biblioteką.",
        place=f"line {line}, column {column}",
    )


def _size(raw: bytes, root: "etree._Element", limits: SizeLimits) -> Iterator[Finding]:
    if len(raw) > limits.plain and root.find("{*}Zalacznik") is None:
        yield _too_large(raw, limits.plain)


def _too_large(raw: bytes, limit: int) -> Finding:
    return Finding(
        code="K05",
        text=f"The document has {len(raw):,} bytes, KSeF takes {limit:,}.",
        text_pl=f"Dokument ma bajtów: {len(raw)}, a KSeF przyjmuje najwyżej {limit}.",
        next_step="Split the invoice, or shorten texts that repeat on every line.",
        next_step_pl="Podziel fakturę albo skróć teksty, które powtarzają się w każdym wierszu.",
    )
