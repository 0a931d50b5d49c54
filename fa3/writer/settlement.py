"""Rozliczenie: charges and deductions outside the taxable amount.

Invariant: the sums follow from the items; what is due is the invoice's total plus charges less deductions,
unless the ERP states it.
"""

from collections.abc import Sequence
from decimal import Decimal

from contracts.invoice.settlement import Charge, Settlement
from fa3.arithmetic import ZERO, money
from fa3.writer.markup import element, group


def written(settlement: Settlement | None, *, gross: Decimal) -> str:
    """The block, or nothing. To be called within ``ARITHMETIC``."""
    if settlement is None:
        return ""
    charges, deductions = _total(settlement.charges), _total(settlement.deductions)
    due = gross + charges - deductions if settlement.total_due is None else settlement.total_due
    return group(
        "Rozliczenie",
        _items("Obciazenia", settlement.charges)
        + (element("SumaObciazen", money(charges)) if settlement.charges else "")
        + _items("Odliczenia", settlement.deductions)
        + (element("SumaOdliczen", money(deductions)) if settlement.deductions else "")
        + (element("DoZaplaty", money(due)) if due >= 0 else element("DoRozliczenia", money(-due))),
    )


def _items(tag: str, items: Sequence[Charge]) -> str:
    return "".join(
        group(tag, element("Kwota", money(one.amount)) + element("Powod", one.reason)) for one in items
    )


def _total(items: Sequence[Charge]) -> Decimal:
    return sum((one.amount for one in items), ZERO)
