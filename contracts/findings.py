"""A finding: one thing wrong (or odd) about a document, said so that somebody can mend it."""

from typing import Literal

from contracts.base import Message


class Finding(Message):
    """One violated rule.

    ``code`` is stable: reports, overrides and ERP programs may depend on it. Families: ``I`` the envelope
    (intake), ``C`` the canonical invoice, ``K`` what KSeF itself refuses, ``E`` our errors, ``W`` warnings,
    ``D`` duplicates, ``S`` answers of KSeF. ``text`` names what is wrong and where, ``next_step`` what to do;
    neither carries the document beyond the value in question.
    """

    code: str
    severity: Literal["error", "warning"] = "error"
    text: str
    text_pl: str | None = None
    next_step: str | None = None
    next_step_pl: str | None = None
    field: str | None = None
    """Path in ``invoice/1``, e.g. ``lines[2].rate``."""
    fa3_path: str | None = None
    """Path in FA(3), e.g. ``Fa/FaWiersz[3]/P_12``."""
    place: str | None = None
    """Where in what the source published: ``line 7``, ``row 12, column D``, ``document 3``."""
    value: str | None = None
    allowed: tuple[str, ...] = ()
