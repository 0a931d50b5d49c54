"""What the parties agreed on: contracts, orders, batches, delivery, transport.

Invariant: none of it changes an amount of the invoice. (FA(3) WarunkiTransakcji.)
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.invoice.amounts import ExchangeRate, Whole
from contracts.invoice.choices import exactly_one
from contracts.invoice.moments import Day, Instant
from contracts.invoice.part import Flag, Many, Opt, Part, UpTo
from contracts.invoice.party import Address, Identified
from contracts.invoice.texts import CurrencyCode, Text50, Text256, Text512


class Reference(Part):
    """A contract or an order of the buyer: its number, its date, or both."""

    number: Opt[Text256] = None
    date: Opt[Day] = None


class ContractRate(Part):
    """An agreed exchange rate of an invoice in PLN; never one that tax was converted by."""

    rate: ExchangeRate
    currency: CurrencyCode


class Carrier(Identified):
    """Who transports the goods."""

    name: Opt[Text512] = None
    address: Address


class Transport(Part):
    """One transport of the goods.

    ``mode``: 1 sea, 2 rail, 3 road, 4 air, 5 post, 7 fixed installation, 8 inland waterway. ``cargo``: 1 to
    20, the kinds of packaging of FA(3) TLadunek.
    """

    mode: Opt[Annotated[int, Whole(1, 8)]] = None
    mode_text: Opt[Text50] = None
    carrier: Carrier | None = None
    order_number: Opt[Text256] = None
    cargo: Opt[Annotated[int, Whole(1, 20)]] = None
    cargo_text: Opt[Text50] = None
    packaging_unit: Opt[Text256] = None
    starts_at: Opt[Instant] = None
    ends_at: Opt[Instant] = None
    from_: Annotated[Address | None, Field(alias="from")] = None
    via: Annotated[Many[Address], UpTo(20)] = ()
    to: Address | None = None

    @model_validator(mode="after")
    def _has_one_mode_and_cargo(self) -> Self:
        exactly_one(self, "mode", "mode_text")
        exactly_one(self, "cargo", "cargo_text")
        return self


class Terms(Part):
    """The terms of the transaction. ``intermediary``: an entity of art. 22(2d) takes part."""

    contracts: Annotated[Many[Reference], UpTo(100)] = ()
    orders: Annotated[Many[Reference], UpTo(100)] = ()
    batches: Annotated[Many[Text256], UpTo(1000)] = ()
    incoterms: Opt[Text256] = None
    contract_rate: ContractRate | None = None
    transports: Annotated[Many[Transport], UpTo(20)] = ()
    intermediary: Flag = False
