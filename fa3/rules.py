"""Rules of KSeF that no schema states: check digits and the day of issue.

Invariant: each rule is one function of its arguments; the day and the severity come from the caller.

Of what KSeF refuses, K01 to K05 are found while reading (``fa3.document``, ``fa3.checks``), K06 to K08 here.
K09, the invoice whose seller, kind and number were used before, needs everybody's invoices: admission finds
those that we know (codes D01, D02), KSeF the others (S440).
"""

from collections.abc import Iterator
from datetime import date
from typing import Final, Literal, TypeAlias

from lxml import etree

from contracts.findings import Finding
from fa3.document import Document
from fa3.facts import facts
from fa3.fields import field_of
from fa3.identifiers import is_nip
from fa3.places import path_of, place_of_element

Severity: TypeAlias = Literal["error", "warning"]

_PARTIES: Final = ("Podmiot1", "Podmiot2", "Podmiot3", "PodmiotUpowazniony")
_NIP_LENGTH: Final = 10


def nip_findings(document: Document, *, severity: Severity) -> Iterator[Finding]:
    """K07: NIPs of the parties whose check digit is wrong.

    KSeF refuses them in production only, so elsewhere ``severity`` is ``warning``. (KSeF API 2.9,
    verification of an invoice: Podmiot1, Podmiot2, Podmiot3, PodmiotUpowazniony.)
    """
    for party in _PARTIES:
        for element in _elements(document, party, "DaneIdentyfikacyjne", "NIP"):
            nip = (element.text or "").strip()
            if not is_nip(nip):
                path = path_of(element)
                yield Finding(
                    code="K07",
                    severity=severity,
                    text=f"{path} is not a NIP: its check digit is wrong: {nip}",
                    text_pl=f"{path} nie jest numerem NIP, błędna cyfra kontrolna: {nip}",
                    next_step="Compare the number with the taxpayer's register.",
                    next_step_pl="Porównaj numer z wykazem podatników.",
                    field=field_of(path),
                    fa3_path=path,
                    place=place_of_element(element, lines=document.lines),
                    value=nip,
                )


def internal_id_findings(document: Document, *, severity: Severity) -> Iterator[Finding]:
    """K08: internal ids of third parties that begin with a NIP whose check digit is wrong.

    ``severity`` as for K07. An id of another form is the schema's business. (KSeF API 2.9, verification of an
    invoice: IDWew of Podmiot3.)
    """
    for element in _elements(document, "Podmiot3", "DaneIdentyfikacyjne", "IDWew"):
        internal_id = (element.text or "").strip()
        nip, dash, _ = internal_id.partition("-")
        if dash and len(nip) == _NIP_LENGTH and not is_nip(nip):
            path = path_of(element)
            yield Finding(
                code="K08",
                severity=severity,
                text=f"{path} does not begin with a NIP: its check digit is wrong: {internal_id}",
                text_pl=f"{path} nie zaczyna się numerem NIP, błędna cyfra kontrolna: {internal_id}",
                next_step="Compare the NIP in front of the dash with that of the unit's company.",
                next_step_pl="Porównaj NIP przed kreską z numerem firmy, do której należy jednostka.",
                field=field_of(path),
                fa3_path=path,
                place=place_of_element(element, lines=document.lines),
                value=internal_id,
            )


def issue_date_finding(document: Document, *, accepted_on: date) -> Finding | None:
    """K06: a day of issue after the day on which KSeF accepts the invoice; days in Europe/Warsaw.

    Any earlier day passes: KSeF then takes the invoice as issued offline.
    """
    issued_on = facts(document).issue_date
    if issued_on is None or issued_on <= accepted_on:
        return None
    element = next(_elements(document, "Fa", "P_1"))
    return Finding(
        code="K06",
        text=f"The day of issue {issued_on} is in the future: today is {accepted_on}.",
        text_pl=f"Data wystawienia {issued_on} jest późniejsza niż dzisiejsza: {accepted_on}.",
        next_step="Send the invoice on its day of issue, or correct the day.",
        next_step_pl="Wyślij fakturę w dniu jej wystawienia albo popraw datę.",
        field="issue_date",
        fa3_path="Fa/P_1",
        place=place_of_element(element, lines=document.lines),
        value=str(issued_on),
    )


def _elements(document: Document, *names: str) -> Iterator["etree._Element"]:
    prefix = f"{{{document.version.namespace}}}"
    return document.root.iterfind("/".join(f"{prefix}{name}" for name in names))
