"""What of ``invoice/1`` this writer does not write.

Invariant: a field that is neither written nor control data is refused by name. Nothing is dropped in
silence: a missing piece of an invoice is found by the tax office, not by a test.
"""

from collections.abc import Iterator
from typing import Final

from contracts.findings import Finding
from contracts.invoice import Invoice
from contracts.invoice.document import Kind
from contracts.invoice.rates import Oss
from contracts.wording import Wording
from fa3.writer.refusal import refused
from fa3.writer.table import LineColumns

WRITTEN_KINDS: Final[frozenset[Kind]] = frozenset({"VAT", "KOR"})

CONTROL_FIELDS: Final = frozenset(
    {
        "model",
        "source.system",
        "source.company",
        "source.document_id",
        "source.revision",
        "fx.table",
        "fx.date",
        "delivery.mode",
    }
)
"""Fields that steer or document the way of the invoice and are no part of FA(3)."""

UNWRITTEN_PARTS: Final = (
    "annotations.margin",
    "annotations.new_vehicles",
    "advance",
    "order",
    "attachment",
    "terms.transports",
    "correction.amount_before",
    "correction.fx_before",
    "lines[].rate.oss",
    "totals.rates[].rate.oss",
)
"""Fields, with all that is below them, whose use is refused (C31)."""


def problems(invoice: Invoice, lines: LineColumns) -> Iterator[Finding]:
    """Every field in use that the writer does not know how to write."""
    if invoice.kind not in WRITTEN_KINDS:
        yield refused(
            "C30",
            "kind",
            Wording(f"{invoice.kind} is not written yet", f"{invoice.kind} nie jest jeszcze obsługiwane"),
            value=invoice.kind,
            next_step=Wording(
                "Send the invoice as ready FA(3) XML.", "Wyślij fakturę jako gotowy XML FA(3)."
            ),
        )
    for field, value in _unwritten(invoice, lines):
        if value:
            yield refused(
                "C31",
                field,
                Wording("is not written yet", "nie jest jeszcze obsługiwane"),
                next_step=Wording(
                    "Send the invoice as ready FA(3) XML, or leave it out.",
                    "Wyślij fakturę jako gotowy XML FA(3) albo pomiń to pole.",
                ),
            )


def _unwritten(invoice: Invoice, lines: LineColumns) -> Iterator[tuple[str, object]]:
    """Paths, and whether they are in use."""
    yield "annotations.margin", invoice.annotations.margin
    yield "annotations.new_vehicles", invoice.annotations.new_vehicles
    yield "advance", invoice.advance
    yield "order", invoice.order
    yield "attachment", invoice.attachment
    yield "terms.transports", invoice.terms and invoice.terms.transports
    if invoice.correction is not None:
        yield "correction.amount_before", invoice.correction.amount_before is not None
        yield "correction.fx_before", invoice.correction.fx_before is not None
    if Oss in set(map(type, lines.rate)):
        for index, rate in enumerate(lines.rate):
            yield f"lines[{index}].rate.oss", isinstance(rate, Oss)
    for index, total in enumerate(invoice.totals.rates if invoice.totals else ()):
        if not isinstance(total.rate, str):
            yield f"totals.rates[{index}].rate", True
