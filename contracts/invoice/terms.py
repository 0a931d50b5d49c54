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
    """Its number."""
    date: Opt[Day] = None
    """Its day."""


class ContractRate(Part):
    """An agreed exchange rate of an invoice in PLN; never one that tax was converted by."""

    rate: ExchangeRate
    """PLN for one unit of the currency."""
    currency: CurrencyCode
    """The currency."""


class Carrier(Identified):
    """Who transports the goods."""

    name: Opt[Text512] = None
    """Full name."""
    address: Address
    """Address."""


class Transport(Part):
    """One transport of the goods."""

    mode: Opt[Annotated[int, Whole(1, 8)]] = None
    """1 sea, 2 rail, 3 road, 4 air, 5 post, 7 fixed installation, 8 inland waterway."""
    mode_text: Opt[Text50] = None
    """Another mode, in words."""
    carrier: Carrier | None = None
    """Who transports."""
    order_number: Opt[Text256] = None
    """The order given to the carrier."""
    cargo: Opt[Annotated[int, Whole(1, 20)]] = None
    """1 to 20, the kinds of packaging of FA(3) TLadunek."""
    cargo_text: Opt[Text50] = None
    """Another cargo, in words."""
    packaging_unit: Opt[Text256] = None
    """The unit of packaging."""
    starts_at: Opt[Instant] = None
    """When it starts."""
    ends_at: Opt[Instant] = None
    """When it ends."""
    from_: Annotated[Address | None, Field(alias="from")] = None
    """Where it starts."""
    via: Annotated[Many[Address], UpTo(20)] = ()
    """Where it passes."""
    to: Address | None = None
    """Where it ends."""

    @model_validator(mode="after")
    def _has_one_mode_and_cargo(self) -> Self:
        exactly_one(self, "mode", "mode_text")
        exactly_one(self, "cargo", "cargo_text")
        return self


class Terms(Part):
    """The terms of the transaction."""

    contracts: Annotated[Many[Reference], UpTo(100)] = ()
    """Contracts."""
    orders: Annotated[Many[Reference], UpTo(100)] = ()
    """Orders of the buyer."""
    batches: Annotated[Many[Text256], UpTo(1000)] = ()
    """Batch numbers of the goods."""
    incoterms: Opt[Text256] = None
    """Terms of delivery."""
    contract_rate: ContractRate | None = None
    """The agreed exchange rate."""
    transports: Annotated[Many[Transport], UpTo(20)] = ()
    """Transports of the goods."""
    intermediary: Flag = False
    """An entity of art. 22(2d) takes part."""
