"""Where something stands in a document: line and column of a byte, FA(3) path and line of an element.

Invariant: paths name elements without namespace, number them only where siblings share the name, and leave
out the root: ``Fa/FaWiersz[3]/P_12``.
"""

from typing import Any

from lxml import etree


def place_of_byte(raw: bytes, offset: int) -> str:
    """``line 3, column 17`` of the byte at ``offset``; columns count characters, as editors do."""
    line = raw.count(b"\n", 0, offset) + 1
    start = raw.rfind(b"\n", 0, offset) + 1
    column = len(raw[start:offset].decode("utf-8", "replace")) + 1
    return f"line {line}, column {column}"


def local_name(name: str) -> str:
    """``P_2`` for ``{http://…}P_2``."""
    return name.rpartition("}")[2]


def name_of(element: "etree._Element") -> str:
    """The element's name without its namespace."""
    return local_name(str(element.tag))


def namespace_of(element: "etree._Element") -> str:
    """The element's namespace, empty if it has none."""
    return str(element.tag)[1:].partition("}")[0] if str(element.tag).startswith("{") else ""


def path_of(element: "etree._Element") -> str:
    """The path from the root's child down to the element; the root's own name for the root."""
    steps = [_step(one) for one in (element, *element.iterancestors()) if one.getparent() is not None]
    return "/".join(reversed(steps)) or name_of(element)


def _step(element: "etree._Element") -> str:
    tag: Any = element.tag
    earlier = sum(1 for _ in element.itersiblings(tag, preceding=True))
    later = next(element.itersiblings(tag), None)
    return f"{name_of(element)}[{earlier + 1}]" if earlier or later is not None else name_of(element)


def place_of_element(element: "etree._Element", *, lines: int) -> str | None:
    """``line 7``, or nothing in a document of one or two lines, where it would tell nothing."""
    line: Any = element.sourceline
    return f"line {line}" if line and lines > 2 else None
