"""How amounts are computed and written: exact decimals, rounded half up to the grosz.

Invariant: computing happens within ``ARITHMETIC``, entered with ``decimal.localcontext``, so that the
caller's own context has no influence. (Art. 106e(11) of the VAT Act: below half a grosz down, from half a
grosz up; a negative amount like its absolute value.)
"""

from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

ARITHMETIC: Final = Context(
    prec=60, rounding=ROUND_HALF_UP, traps=[DivisionByZero, InvalidOperation, Overflow]
)
"""Wide enough for a quantity of 22 digits times a price of 22."""

GROSZ: Final = Decimal("0.01")
ZERO: Final = Decimal("0.00")


def rounded(amount: Decimal) -> Decimal:
    """The amount to the grosz, half up; never a negative zero."""
    return amount.quantize(GROSZ, ROUND_HALF_UP) + ZERO


def money(amount: Decimal) -> str:
    """An amount as FA(3) writes it: two decimals, no exponent."""
    return str(rounded(amount))


def tax_on_net(net: Decimal, percent: Decimal) -> Decimal:
    """VAT on a net value, rounded."""
    return rounded(net * percent / 100)


def tax_in_gross(gross: Decimal, percent: Decimal) -> Decimal:
    """VAT contained in a gross value, rounded."""
    return rounded(gross * percent / (100 + percent))
