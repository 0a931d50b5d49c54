"""What was sold: the lines of the invoice and of the order behind an advance.

Invariant: a line is priced net or gross, never both; whatever is absent is computed by the writer from the
rest. (FA(3) FaWiersz, ZamowienieWiersz.)
"""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import model_validator

from contracts.invoice.amounts import ExchangeRate, Money, Price, Quantity, Whole
from contracts.invoice.choices import at_most_one
from contracts.invoice.moments import Day
from contracts.invoice.part import BlankIs, Flag, Many, Opt, Part, UpTo
from contracts.invoice.rates import Rate
from contracts.invoice.texts import Text20, Text50, Text256, Text512

LineNumber: TypeAlias = Annotated[int, Whole(1, 99_999_999_999_999)]

Procedure: TypeAlias = Literal[
    "WSTO_EE", "IED", "TT_D", "I_42", "I_63", "B_SPV", "B_SPV_DOSTAWA", "B_MPV_PROWIZJA"
]
LineState: TypeAlias = Literal["normal", "before", "after", "delta"]
"""On a correction: the state before it, the state after it, or the difference; ``normal`` elsewhere."""


class Note(Part):
    """A remark of any kind: what it is about, and what it says (FA(3) DodatkowyOpis)."""

    key: Text256
    value: Text256


class PurchaseOrder(Part):
    """The buyer's order behind a line."""

    number: Text256
    item: Opt[Text50] = None


class Item(Part):
    """What a line of an invoice and a line of an order have in common.

    ``no`` defaults to the position, counted from 1. ``uid`` is the seller's own lasting id of the line.
    Amounts are in the invoice's currency.
    """

    no: Opt[LineNumber] = None
    uid: Opt[Text50] = None
    name: Text512
    sku: Opt[Text50] = None
    gtin: Opt[Text20] = None
    pkwiu: Opt[Text50] = None
    cn: Opt[Text50] = None
    pkob: Opt[Text50] = None
    unit: Opt[Text256] = None
    qty: Opt[Quantity] = None
    net_price: Opt[Price] = None
    net: Opt[Money] = None
    vat: Opt[Money] = None
    rate: Opt[Rate] = None
    annex15: Flag = False
    excise: Opt[Money] = None
    gtu: Opt[Annotated[int, Whole(1, 13)]] = None
    procedure: Opt[Procedure] = None
    state: Annotated[LineState, BlankIs("normal")] = "normal"


class Line(Item):
    """A line of the invoice.

    ``discount`` is for the whole line, ``discount_per_unit`` for one unit. ``net`` or ``gross`` is the
    value after discount; absent, it is quantity times price less discount, rounded half up to 0.01.
    ``date`` is given only if lines differ in it. ``fx_rate`` overrides ``fx.rate`` of the invoice.
    """

    date: Opt[Day] = None
    gross_price: Opt[Price] = None
    discount: Opt[Price] = None
    discount_per_unit: Opt[Price] = None
    gross: Opt[Money] = None
    fx_rate: Opt[ExchangeRate] = None
    po: PurchaseOrder | None = None
    delivery_note: Opt[Text256] = None
    notes: Many[Note] = ()

    @model_validator(mode="after")
    def _is_priced_one_way(self) -> Self:
        if self.gross_price is not None or self.gross is not None:
            at_most_one(self, "net_price", "gross_price")
            at_most_one(self, "net", "gross")
            at_most_one(self, "net_price", "gross")
            at_most_one(self, "net", "gross_price")
        if self.discount is not None:
            at_most_one(self, "discount", "discount_per_unit")
        return self


class Order(Part):
    """The order or contract that an advance is paid for; ``gross`` defaults to the sum of its lines."""

    gross: Opt[Money] = None
    lines: Annotated[Many[Item], UpTo(10_000)] = ()
