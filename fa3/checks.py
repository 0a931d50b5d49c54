"""The schema check as a caller wants it: fast when a document is valid, thorough when it is not.

Invariant: ``schema_findings`` is all that decides; ``all_schema_findings`` explains more of the same refusal.
"""

from typing import TypeAlias

from contracts.findings import Finding
from fa3.document import Document
from fa3.schema import violations_of
from fa3.second_opinion import hidden_violations
from fa3.violations import finding_of

Findings: TypeAlias = tuple[Finding, ...]


def schema_findings(document: Document) -> Findings:
    """K04 findings of libxml2, or nothing if the document is valid.

    About 4 µs for each line of the document.
    """
    return tuple(finding_of(one, document) for one in violations_of(document))


def all_schema_findings(document: Document) -> Findings:
    """The same, and what stays hidden behind structural errors; twenty in all.

    Takes up to seconds on an invalid document (see ``fa3.second_opinion``): call it off the event loop.
    """
    known = violations_of(document)
    return tuple(finding_of(one, document) for one in (*known, *hidden_violations(document, known)))
