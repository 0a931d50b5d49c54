"""Which findings keep a document from being sent: the one place that says so.

Invariant: what KSeF itself would refuse (family ``K``) always blocks when it is an error; a setting may
lower what we add (``E``), never that.
"""

from collections.abc import Iterable

from contracts.findings import Finding


def blocks(finding: Finding) -> bool:
    """Whether the document must not go to KSeF."""
    return finding.severity == "error"


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of the findings that block, in their order."""
    return tuple(filter(blocks, findings))
