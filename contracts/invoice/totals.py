"""The sums of the invoice and the exchange rate behind them.

Invariant: a total that the ERP gives is kept to the letter; only an absent one is computed.
"""

from typing import Annotated

from contracts.invoice.amounts import ExchangeRate, Money
from contracts.invoice.moments import Day
from contracts.invoice.part import Many, Opt, Part, UpTo
from contracts.invoice.rates import Rate
from contracts.invoice.texts import Text256


class RateTotal(Part):
    """The sums of one rate."""

    rate: Opt[Rate] = None
    """The rate; absent, the margin scheme."""
    net: Money
    """Net value; under the margin scheme the gross value."""
    vat: Opt[Money] = None
    """Tax, in the invoice's currency."""
    vat_pln: Opt[Money] = None
    """Tax, in PLN."""


class Totals(Part):
    """Sums by rate, and the amount due. On a correction both are differences."""

    rates: Annotated[Many[RateTotal], UpTo(100)] = ()
    """The sums by rate; absent, computed from the lines."""
    gross: Opt[Money] = None
    """The amount due; absent, the sum of the rates."""


class Fx(Part):
    """The exchange rate of all lines that have none of their own."""

    rate: ExchangeRate
    """PLN for one unit of the invoice's currency."""
    table: Opt[Text256] = None
    """The table it is from, for audit."""
    date: Opt[Day] = None
    """The day it is from, for audit."""
