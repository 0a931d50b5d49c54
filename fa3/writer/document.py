"""The whole document: from a canonical invoice to the bytes of FA(3).

Invariant: equal arguments give equal bytes. Either every field of the invoice has its place in them, or
there are findings and no bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import localcontext
from typing import TypeAlias

from contracts.findings import Finding
from contracts.invoice import Invoice
from contracts.invoice.document import Supply
from fa3.arithmetic import ARITHMETIC
from fa3.versions import FA3
from fa3.writer import (
    annotations,
    correction,
    footer,
    header,
    lines,
    notes,
    parties,
    payment,
    settlement,
    support,
    terms,
    totals,
    values,
)
from fa3.writer.markup import element, flag, group, optional
from fa3.writer.seller import CompleteSeller, SellerDetails, completed
from fa3.writer.table import LineColumns, columns_of
from fa3.writer.totals import Summary
from fa3.writer.values import LineValues

Findings: TypeAlias = tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The document as it goes to KSeF, byte for byte."""

    xml: bytes


def write(invoice: Invoice, *, seller: SellerDetails | None, created_at: datetime) -> Written | Findings:
    """Write FA(3), or say everything that keeps it from being written (family ``C`` from C30 on, all errors).

    ``seller`` fills what the invoice leaves out of its seller. ``created_at`` is the moment of creation if
    ``source.created_at`` is absent; it must be the same for every attempt at the same document.
    The document is well-formed but not yet checked: code lists and ranges of dates are the schema's business.
    """
    with localcontext(ARITHMETIC):
        complete = completed(invoice.seller, seller)
        columns = columns_of(invoice.lines)
        line_values = values.valued(columns)
        summary = totals.summary(invoice, columns, line_values)
        found = tuple(_problems(invoice, columns, line_values, summary))
        if not isinstance(complete, CompleteSeller):
            return complete + found
        if found:
            return found
        stated = invoice.source.created_at if invoice.source else None
        document = _document(
            invoice,
            seller=complete,
            columns=columns,
            line_values=line_values,
            summary=summary,
            created_at=stated or created_at,
        )
        return Written(document.encode())


def _problems(
    invoice: Invoice, columns: LineColumns, line_values: LineValues, summary: Summary
) -> Iterator[Finding]:
    totals_stand_alone = invoice.kind == "KOR" and invoice.totals is not None and bool(invoice.totals.rates)
    yield from support.problems(invoice, columns)
    yield from lines.problems(invoice, columns)
    yield from values.problems(columns, line_values, values_needed=not totals_stand_alone)
    yield from totals.problems(invoice, summary)
    yield from annotations.problems(invoice, summary)
    yield from correction.problems(invoice)
    yield from notes.problems(invoice, columns)
    yield from payment.problems(invoice.payment)


def _document(
    invoice: Invoice,
    *,
    seller: CompleteSeller,
    columns: LineColumns,
    line_values: LineValues,
    summary: Summary,
    created_at: datetime,
) -> str:
    eu_prefix = invoice.seller.eu_prefix
    if eu_prefix is None:
        # Intra-EU supply of goods and services of art. 100(1)(4): the seller's number carries its prefix.
        eu_prefix = not summary.codes.isdisjoint({"0 WDT", "np II"})
    return "".join(
        (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Faktura xmlns="{FA3.namespace}">',
            header.written(created_at),
            parties.seller(seller, eu_prefix=eu_prefix),
            parties.buyer(invoice.buyer),
            *map(parties.third_party, invoice.third_parties),
            parties.authorised_party(invoice.authorised) if invoice.authorised else "",
            "<Fa>",
            _heading(invoice),
            totals.written(summary),
            annotations.written(invoice, summary),
            element("RodzajFaktury", invoice.kind),
            correction.written(invoice),
            flag("FP", invoice.flags.receipt),
            flag("TP", invoice.flags.related),
            notes.written(invoice, columns),
            flag("ZwrotAkcyzy", invoice.flags.excise_refund),
            lines.written(invoice, columns, line_values),
            settlement.written(invoice.settlement, gross=summary.gross),
            payment.written(invoice.payment),
            terms.written(invoice.terms),
            "</Fa>",
            footer.written(invoice.footer),
            "</Faktura>",
        )
    )


def _heading(invoice: Invoice) -> str:
    return (
        element("KodWaluty", invoice.currency)
        + element("P_1", invoice.issue_date)
        + optional("P_1M", invoice.issue_place)
        + element("P_2", invoice.number)
        + "".join(element("WZ", number) for number in invoice.delivery_notes)
        + _supply(invoice, invoice.supply)
    )


def _supply(invoice: Invoice, supply: Supply | None) -> str:
    if supply is None:
        return ""
    if supply.from_ is not None:
        return group("OkresFa", element("P_6_Od", supply.from_) + element("P_6_Do", supply.to))
    # FA(3) wants P_6 only where it differs from P_1.
    return "" if supply.date == invoice.issue_date else optional("P_6", supply.date)
