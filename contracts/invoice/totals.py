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
    """The sums of one rate: ``net`` and ``vat`` in the invoice's currency, ``vat_pln`` in PLN.

    An absent ``rate`` means the margin scheme, whose ``net`` is the gross value.
    """

    rate: Opt[Rate] = None
    net: Money
    vat: Opt[Money] = None
    vat_pln: Opt[Money] = None


class Totals(Part):
    """Sums by rate, and the amount due. On a correction both are differences."""

    rates: Annotated[Many[RateTotal], UpTo(100)] = ()
    gross: Opt[Money] = None


class Fx(Part):
    """The exchange rate of all lines that have none of their own: PLN for one unit of the invoice's currency.

    ``table`` and ``date`` say where the rate is from; they are kept for audit and are no part of FA(3).
    """

    rate: ExchangeRate
    table: Opt[Text256] = None
    date: Opt[Day] = None
