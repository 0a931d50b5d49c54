"""Payments before supply, and the advance invoices that a later invoice settles.

Invariant: an advance invoice is named by its KSeF number, or by its own number if KSeF does not hold it.
(FA(3) ZaliczkaCzesciowa, KursWalutyZ, FakturaZaliczkowa.)
"""

from typing import Annotated, Self

from pydantic import model_validator

from contracts.invoice.amounts import ExchangeRate, Money
from contracts.invoice.choices import all_or_none, exactly_one
from contracts.invoice.correction import KsefNumber
from contracts.invoice.moments import Day
from contracts.invoice.part import Flag, Many, Opt, Part, UpTo
from contracts.invoice.texts import Text256


class AdvancePayment(Part):
    """A payment received before supply."""

    date: Day
    """The day it was received."""
    amount: Money
    """How much."""
    fx_rate: Opt[ExchangeRate] = None
    """Exchange rate of this payment."""


class AdvanceInvoice(Part):
    """An earlier advance invoice: ``ksef_number``, or ``number`` with ``outside_ksef``."""

    ksef_number: Opt[KsefNumber] = None
    """Its KSeF number."""
    number: Opt[Text256] = None
    """Its own number."""
    outside_ksef: Flag = False
    """It was issued outside KSeF."""

    @model_validator(mode="after")
    def _is_named_once(self) -> Self:
        exactly_one(self, "ksef_number", "number")
        all_or_none(self, "number", "outside_ksef")
        return self


class Advance(Part):
    """Payments on account, the rate at which they were taxed, and the advance invoices settled."""

    payments: Annotated[Many[AdvancePayment], UpTo(31)] = ()
    """The payments."""
    fx_rate: Opt[ExchangeRate] = None
    """The rate at which the advance was taxed."""
    invoices: Annotated[Many[AdvanceInvoice], UpTo(100)] = ()
    """The advance invoices that are settled."""
