"""The canonical invoice as a whole: ``invoice/1``, what every ERP format becomes and FA(3) is written from.

Invariant: released. Later versions of ``invoice/1`` only add optional fields; nothing here changes its
meaning.
"""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from contracts.invoice.advance import Advance
from contracts.invoice.annotations import Annotations, Flags
from contracts.invoice.attachment import Attachment
from contracts.invoice.choices import all_or_none, at_most_one
from contracts.invoice.correction import Correction
from contracts.invoice.footer import Footer
from contracts.invoice.lines import Line, Note, Order
from contracts.invoice.moments import Day, Instant
from contracts.invoice.part import BlankIs, Many, Opt, Part, UpTo
from contracts.invoice.party import AuthorisedParty, Buyer, Seller, ThirdParty
from contracts.invoice.payment import Payment
from contracts.invoice.settlement import Settlement
from contracts.invoice.terms import Terms
from contracts.invoice.texts import CurrencyCode, Identifier50, Text256
from contracts.invoice.totals import Fx, Totals

Kind: TypeAlias = Literal["VAT", "UPR", "ZAL", "ROZ", "KOR", "KOR_ZAL", "KOR_ROZ"]
"""FA(3) RodzajFaktury: basic, simplified, advance, settlement, and the corrections of them."""


class Source(Part):
    """Where the invoice comes from; no part of what it says."""

    system: Opt[Identifier50] = None
    """The ERP's name of itself, for people."""
    company: Opt[Identifier50] = None
    """The ERP's own code of the company."""
    document_id: Opt[Identifier50] = None
    """The ERP's id of the document, if the header ``ce_id`` does not give it."""
    revision: Opt[Identifier50] = None
    """Which edition of the document this is; absent, it is 1. Other content needs another revision."""
    created_at: Opt[Instant] = None
    """The moment of creation; absent, the time of the first publishing. One revision keeps one."""


class Supply(Part):
    """When goods or services were supplied: on one ``date``, or in the period ``from`` … ``to``."""

    date: Opt[Day] = None
    """The day of supply, if it is one for all lines."""
    from_: Annotated[Opt[Day], Field(alias="from")] = None
    """First day of the period of supply."""
    to: Opt[Day] = None
    """Last day of the period of supply."""

    @model_validator(mode="after")
    def _is_a_day_or_a_period(self) -> Self:
        at_most_one(self, "date", "from_")
        all_or_none(self, "from_", "to")
        return self


class Delivery(Part):
    """How to hand the invoice to KSeF; control data, no part of FA(3)."""

    mode: Annotated[Literal["auto", "online", "offline24"], BlankIs("auto")] = "auto"
    """Read and not used yet: every invoice goes out in an online session."""


class Invoice(Part):
    """An invoice. Amounts are in ``currency``, except those named ``…_pln``."""

    model: Literal["invoice/1"]
    """The version of this contract."""
    source: Source | None = None
    """Where the invoice comes from."""
    kind: Kind
    """FA(3) RodzajFaktury: basic, simplified, advance, settlement; corrections of basic, advance and
    settlement invoices."""
    number: Text256
    """The invoice's number; per seller and kind KSeF takes it once."""
    issue_date: Day
    """The day of issue; it may not lie in the future."""
    issue_place: Opt[Text256] = None
    """Where it is issued."""
    currency: Annotated[CurrencyCode, BlankIs("PLN")] = "PLN"
    """ISO 4217."""
    supply: Supply | None = None
    """When goods or services were supplied."""
    delivery_notes: Annotated[Many[Text256], UpTo(1000)] = ()
    """Numbers of warehouse documents (WZ)."""
    seller: Seller
    """Who sells."""
    buyer: Buyer
    """Who buys."""
    third_parties: Annotated[Many[ThirdParty], UpTo(100)] = ()
    """Everybody else who takes part."""
    authorised: AuthorisedParty | None = None
    """Who acts for the seller by law."""
    annotations: Annotations = Annotations()
    """Statements that the VAT Act wants."""
    lines: Annotated[Many[Line], UpTo(10_000)] = ()
    """What was sold."""
    totals: Totals | None = None
    """Sums; what is absent is computed."""
    fx: Fx | None = None
    """The exchange rate of an invoice that is not in PLN."""
    correction: Correction | None = None
    """What is corrected; for the kinds KOR, KOR_ZAL and KOR_ROZ."""
    advance: Advance | None = None
    """Payments before supply."""
    order: Order | None = None
    """The order that an advance is paid for."""
    settlement: Settlement | None = None
    """Charges and deductions outside the taxable amount."""
    payment: Payment | None = None
    """How, when and where to it is paid."""
    terms: Terms | None = None
    """What the parties agreed on."""
    notes: Annotated[Many[Note], UpTo(10_000)] = ()
    """Remarks about the whole invoice."""
    flags: Flags = Flags()
    """Marks for the VAT ledger."""
    footer: Footer | None = None
    """What stands below the invoice."""
    attachment: Attachment | None = None
    """The structured attachment."""
    delivery: Delivery = Delivery()
    """How to hand it to KSeF."""
