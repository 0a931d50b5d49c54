"""One document → FA(3) XML with its facts, or everything that is wrong with it. Pure."""

import collections.abc
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from contracts.config import CompanyConfig
from contracts.findings import Finding
from contracts.invoice import Invoice, content_hash, read_invoice
from contracts.invoice.party import Address
from contracts.sales import DocumentFormat, InvoiceFacts
from fa3.checks import schema_findings
from fa3.document import Document, parse
from fa3.facts import Facts, facts
from fa3.writer import SellerDetails, Written, write
from fa3.xml_hash import content_hash_of_xml

Findings: TypeAlias = tuple[Finding, ...]
Companies: TypeAlias = collections.abc.Mapping[str, CompanyConfig]


@dataclass(frozen=True, slots=True)
class Mapping:
    """The document as KSeF will see it."""

    xml: bytes
    facts: InvoiceFacts
    content_hash: str


def map_document(
    raw: bytes,
    *,
    format_: DocumentFormat,
    created_at: datetime,
    companies: Companies,
) -> Mapping | Findings:
    """The mapping, or at least one finding. ``companies`` complete the seller of an ``invoice/1``."""
    match format_:
        case DocumentFormat.INVOICE_JSON:
            return _from_json(raw, created_at=created_at, companies=companies)
        case DocumentFormat.FA3_XML:
            return _from_xml(raw)


def _from_json(raw: bytes, *, created_at: datetime, companies: Companies) -> Mapping | Findings:
    invoice = read_invoice(raw)
    if not isinstance(invoice, Invoice):
        return invoice
    company = companies.get(invoice.seller.nip)
    details = None if company is None else seller_details(company)
    written = write(invoice, seller=details, created_at=created_at)
    if not isinstance(written, Written):
        return written
    document = parse(written.xml)
    if not isinstance(document, Document):
        return document
    return _mapping(document, content_hash(invoice))


def _from_xml(raw: bytes) -> Mapping | Findings:
    document = parse(raw)
    if not isinstance(document, Document):
        return document
    return _mapping(document, content_hash_of_xml(document))


def _mapping(document: Document, hash_: str) -> Mapping | Findings:
    known = _invoice_facts(facts(document))
    if known is None:
        # What every invoice must say is missing: the schema knows best what.
        return schema_findings(document)
    return Mapping(xml=document.raw, facts=known, content_hash=hash_)


def _invoice_facts(found: Facts) -> InvoiceFacts | None:
    if found.seller_nip is None or found.kind is None or found.number is None:
        return None
    if found.issue_date is None or found.currency is None or found.gross is None:
        return None
    return InvoiceFacts(
        seller_nip=found.seller_nip,
        buyer_nip=found.buyer_nip,
        kind=found.kind,
        number=found.number,
        issued_on=found.issue_date,
        currency=found.currency,
        gross=f"{found.gross:f}",
        self_billing=found.self_billing,
    )


def seller_details(company: CompanyConfig) -> SellerDetails:
    """A company's master data as the writer wants them."""
    address = company.address
    return SellerDetails(
        nip=company.nip,
        name=company.name,
        address=Address(country=address.country, line1=address.line1, line2=address.line2, gln=address.gln),
    )
