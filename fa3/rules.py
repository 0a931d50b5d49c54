"""Rules of KSeF that no schema states: check digits, the day of issue, lengths as .NET counts them.

Invariant: each rule is one function of its arguments; the day and the severity come from the caller.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final, Literal, TypeAlias

from contracts.findings import Finding
from fa3.document import Document
from fa3.facts import Facts
from fa3.fields import field_of
from fa3.identifiers import is_nip
from fa3.places import path_of

Severity: TypeAlias = Literal["error", "warning"]

_PARTIES: Final = ("Podmiot1", "Podmiot2", "Podmiot3", "PodmiotUpowazniony")


def nip_findings(document: Document, *, severity: Severity) -> Iterator[Finding]:
    """K07: NIPs of the parties whose check digit is wrong.

    KSeF refuses them in production only, so elsewhere ``severity`` is ``warning``. (KSeF API 2.9,
    verification of an invoice: Podmiot1, Podmiot2, Podmiot3, PodmiotUpowazniony.)
    """
    prefix = f"{{{document.version.namespace}}}"
    for party in _PARTIES:
        for element in document.root.iterfind(f"{prefix}{party}/{prefix}DaneIdentyfikacyjne/{prefix}NIP"):
            nip = (element.text or "").strip()
            if not is_nip(nip):
                path = path_of(element)
                yield Finding(
                    code="K07",
                    severity=severity,
                    text=f"{path} is not a NIP: its check digit is wrong: {nip}",
                    next_step="Compare the number with the taxpayer's register.",
                    field=field_of(path),
                    fa3_path=path,
                    value=nip,
                )


def issue_date_finding(facts: Facts, *, accepted_on: date) -> Finding | None:
    """K06: a day of issue after the day on which KSeF accepts the invoice; days in Europe/Warsaw.

    Any earlier day passes: KSeF then takes the invoice as issued offline.
    """
    if facts.issue_date is None or facts.issue_date <= accepted_on:
        return None
    return Finding(
        code="K06",
        text=f"The day of issue {facts.issue_date} is in the future: today is {accepted_on}.",
        next_step="Send the invoice on its day of issue, or correct the day.",
        field="issue_date",
        fa3_path="Fa/P_1",
        value=str(facts.issue_date),
    )
