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
    """How much."""
    reason: Text256
    """Why."""


class Settlement(Part):
    """Charges and deductions outside the taxable amount."""

    charges: Annotated[Many[Charge], UpTo(100)] = ()
    """What is added."""
    deductions: Annotated[Many[Charge], UpTo(100)] = ()
    """What is taken off."""
    total_due: Opt[Money] = None
    """What is due in the end; absent, gross total plus charges less deductions. Below zero it is refunded."""
