"""What is wrong with an XML, all of it at once. Pure and blocking: it belongs in a thread."""

from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.findings import Finding
from fa3.checks import all_schema_findings, schema_findings
from fa3.document import Document, parse
from fa3.lengths import length_findings
from fa3.rules import Severity, internal_id_findings, issue_date_finding, nip_findings

# The day that counts for KSeF is Poland's.
WARSAW = ZoneInfo("Europe/Warsaw")


def check(xml: bytes, now: datetime, thorough: bool, *, nip_severity: Severity) -> tuple[Finding, ...]:
    """Findings as of ``now``. A wrong check digit of a NIP is an error only where KSeF makes it one.

    ``thorough`` adds, to a document that is refused anyway, what hides behind its first structural error;
    that may take a second for a long one.
    """
    document = parse(xml)
    if not isinstance(document, Document):
        return document
    schema = schema_findings(document)
    if schema and thorough:
        schema = all_schema_findings(document)
    today = now.astimezone(WARSAW).date()
    in_future = issue_date_finding(document, accepted_on=today)
    return (
        *(schema or length_findings(document)),
        *nip_findings(document, severity=nip_severity),
        *internal_id_findings(document, severity=nip_severity),
        *((in_future,) if in_future else ()),
    )
