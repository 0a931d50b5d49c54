"""The versions of the structured invoice: what a root element says a document is.

Invariant: a namespace names one version; a version without a schema is recognised in order to be refused by
name.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from contracts.wording import Wording


class FormCode(NamedTuple):
    """How a session of the KSeF API names the form (API 2.9, ``formCode``)."""

    system_code: str
    schema_version: str
    value: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the invoice form that documents are checked against."""

    name: str
    namespace: str
    form_code: FormCode
    schema_file: str
    """Base name of the main schema file; what it imports is found by base name too."""
    valid_from: date
    """First day of issue (P_1), for corrections of older invoices too."""


FA3: Final = Version(
    name="FA(3)",
    namespace="http://crd.gov.pl/wzor/2025/06/25/13775/",
    form_code=FormCode("FA (3)", "1-0E", "FA"),
    schema_file="schemat_FA(3)_v1-0E.xsd",
    valid_from=date(2026, 2, 1),
)

VERSIONS: Final = {version.namespace: version for version in (FA3,)}

ROOT: Final = "Faktura"

REFUSED_NAMESPACES: Final = {
    "http://crd.gov.pl/wzor/2023/06/29/12648/": Wording(
        "FA(2), which was replaced by FA(3) on 2026-02-01", "FA(2), którą 2026-02-01 zastąpiła FA(3)"
    ),
    "http://crd.gov.pl/wzor/2026/03/06/14189/": Wording(
        "FA_RR(1), the invoice of a flat-rate farmer", "FA_RR(1), faktura rolnika ryczałtowego"
    ),
}
