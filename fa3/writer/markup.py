"""The few shapes of XML that FA(3) is made of, as text.

Invariant: ``escaped`` is the only way a value gets between tags; tags are constants of this package. Texts of
``invoice/1`` hold no character that XML refuses, so nothing but markup needs escaping.
"""

from datetime import date

from contracts.invoice.amounts import plain

__all__ = ["element", "escaped", "flag", "group", "optional", "plain", "yes_no"]


def escaped(text: str) -> str:
    """The text as the content of an element."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def element(tag: str, value: object) -> str:
    """An element with a text, a whole number or a day in it."""
    return f"<{tag}>{escaped(str(value))}</{tag}>"


def optional(tag: str, value: str | int | date | None) -> str:
    """The element, or nothing if there is no value."""
    return "" if value is None else element(tag, value)


def flag(tag: str, value: bool) -> str:
    """An element that says yes by standing there and no by its absence."""
    return f"<{tag}>1</{tag}>" if value else ""


def yes_no(tag: str, value: bool) -> str:
    """An element that says 1 for yes and 2 for no."""
    return f"<{tag}>{1 if value else 2}</{tag}>"


def group(tag: str, content: str) -> str:
    """An element around others, or nothing if there are none: FA(3) wants no empty containers."""
    return f"<{tag}>{content}</{tag}>" if content else ""
