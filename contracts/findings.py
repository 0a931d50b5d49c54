"""A finding: one thing wrong (or odd) about a document, said so that somebody can mend it."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator

from contracts.base import Message

VALUE_LENGTH_LIMIT = 200
# NUL cannot be stored by PostgreSQL, a lone surrogate cannot be written as UTF-8; both come from documents.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def _speakable(text: object) -> object:
    return _UNSPEAKABLE.sub("\ufffd", text) if isinstance(text, str) else text


def _shortened(text: object) -> object:
    too_long = isinstance(text, str) and len(text) > VALUE_LENGTH_LIMIT
    return f"{text[:VALUE_LENGTH_LIMIT]}…" if too_long and isinstance(text, str) else text


Quoting = Annotated[str, BeforeValidator(_speakable)]
"""Text that may quote a document: what cannot be stored or shown is replaced by U+FFFD."""

Value = Annotated[str, BeforeValidator(_speakable), BeforeValidator(_shortened)]


class Finding(Message):
    """One violated rule.

    ``code`` is stable: reports, overrides and ERP programs may depend on it. Families: ``I`` the envelope
    (intake), ``C`` the canonical invoice, ``K`` what KSeF itself refuses, ``E`` our errors, ``W`` warnings,
    ``D`` duplicates, ``S`` answers of KSeF. ``text`` names what is wrong and where, ``next_step`` what to do;
    neither carries the document beyond the value in question.
    """

    code: str
    """What is wrong; stable."""
    severity: Literal["error", "warning"] = "error"
    """An ``error`` stops the document, a ``warning`` does not."""
    text: Quoting
    """What is wrong and where, in English."""
    text_pl: Quoting | None = None
    """The same in Polish."""
    next_step: str | None = None
    """What to do, in English."""
    next_step_pl: str | None = None
    """The same in Polish."""
    field: Quoting | None = None
    """Path in ``invoice/1``, e.g. ``lines[2].rate``."""
    fa3_path: Quoting | None = None
    """Path in FA(3), e.g. ``Fa/FaWiersz[3]/P_12``."""
    place: Quoting | None = None
    """Where in what the source published: ``line 7``, ``row 12, column D``, ``document 3``."""
    value: Value | None = None
    """The value in question, shortened to 200 characters."""
    allowed: tuple[str, ...] = ()
    """What might stand there instead."""
