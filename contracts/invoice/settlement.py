"""Charges and deductions outside the taxable amount, and what is due in the end.

Invariant: the sums are never given, they follow from the items. (FA(3) Rozliczenie.)
"""

from typing import Annotated

from contracts.invoice.amounts import Money
from contracts.invoice.part import Many, Opt, Part, UpTo
from contracts.invoice.texts import Text256


class Charge(Part):
    """An amount added to or deducted from what is due, with its reason."""

    amount: Money
    reason: Text256


class Settlement(Part):
    """Charges and deductions outside the taxable amount.

    ``total_due`` defaults to the invoice's gross total plus charges less deductions; below zero it is
    refunded.
    """

    charges: Annotated[Many[Charge], UpTo(100)] = ()
    deductions: Annotated[Many[Charge], UpTo(100)] = ()
    total_due: Opt[Money] = None
