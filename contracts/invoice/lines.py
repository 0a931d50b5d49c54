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
    """What the remark is about."""
    value: Text256
    """What it says."""


class PurchaseOrder(Part):
    """The buyer's order behind a line."""

    number: Text256
    """The order's number; becomes a remark of the line."""
    item: Opt[Text50] = None
    """The item of the order; becomes a remark of the line."""


class Item(Part):
    """What a line of an invoice and a line of an order have in common.

    Amounts are in the invoice's currency.
    """

    no: Opt[LineNumber] = None
    """The line's number; absent, its position, counted from 1."""
    uid: Opt[Text50] = None
    """The seller's own lasting id of the line."""
    name: Text512
    """What was sold."""
    sku: Opt[Text50] = None
    """The seller's own article number."""
    gtin: Opt[Text20] = None
    """The article's GTIN (EAN)."""
    pkwiu: Opt[Text50] = None
    """Polish classification of goods and services."""
    cn: Opt[Text50] = None
    """Combined Nomenclature."""
    pkob: Opt[Text50] = None
    """Polish classification of buildings."""
    unit: Opt[Text256] = None
    """Unit of measure, in words."""
    qty: Opt[Quantity] = None
    """How many units."""
    net_price: Opt[Price] = None
    """Price of one unit without tax."""
    net: Opt[Money] = None
    """Net value after discount; absent, quantity times price less discount, rounded half up to 0.01."""
    vat: Opt[Money] = None
    """Tax of the line, if the ERP states it."""
    rate: Opt[Rate] = None
    """Tax rate; a bare 0 is no rate, for it may mean any of five."""
    annex15: Flag = False
    """Goods or services of annex 15 to the VAT Act (split payment)."""
    excise: Opt[Money] = None
    """Excise duty within the price."""
    gtu: Opt[Annotated[int, Whole(1, 13)]] = None
    """Code of the group of goods and services: 1 for GTU_01."""
    procedure: Opt[Procedure] = None
    """Code of a special procedure."""
    state: Annotated[LineState, BlankIs("normal")] = "normal"
    """On a correction: the state before it, the state after it, or the difference; ``normal`` elsewhere."""


class Line(Item):
    """A line of the invoice, priced net or gross, never both."""

    date: Opt[Day] = None
    """The day of supply, only if lines differ in it."""
    gross_price: Opt[Price] = None
    """Price of one unit with tax."""
    discount: Opt[Price] = None
    """Discount on the whole line."""
    discount_per_unit: Opt[Price] = None
    """Discount on one unit."""
    gross: Opt[Money] = None
    """Gross value after discount; absent, quantity times price less discount, rounded half up to 0.01."""
    fx_rate: Opt[ExchangeRate] = None
    """Overrides ``fx.rate`` of the invoice."""
    po: PurchaseOrder | None = None
    """The buyer's order."""
    delivery_note: Opt[Text256] = None
    """Number of the warehouse document; becomes a remark of the line."""
    notes: Many[Note] = ()
    """Remarks about the line."""

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
    """The order or contract that an advance is paid for."""

    gross: Opt[Money] = None
    """Its value with tax; absent, the sum of its lines."""
    lines: Annotated[Many[Item], UpTo(10_000)] = ()
    """What was ordered."""
