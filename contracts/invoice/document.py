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
    """Where the invoice comes from; no part of what it says.

    ``document_id`` and ``revision`` name the document if the message's headers do not. ``created_at`` goes
    into FA(3) as the moment of creation; the same revision must keep it, or its bytes would differ.
    """

    system: Opt[Identifier50] = None
    company: Opt[Identifier50] = None
    document_id: Opt[Identifier50] = None
    revision: Opt[Identifier50] = None
    created_at: Opt[Instant] = None


class Supply(Part):
    """When goods or services were supplied: on one ``date``, or in the period ``from`` … ``to``."""

    date: Opt[Day] = None
    from_: Annotated[Opt[Day], Field(alias="from")] = None
    to: Opt[Day] = None

    @model_validator(mode="after")
    def _is_a_day_or_a_period(self) -> Self:
        at_most_one(self, "date", "from_")
        all_or_none(self, "from_", "to")
        return self


class Delivery(Part):
    """How to hand the invoice to KSeF; control data, no part of FA(3)."""

    mode: Annotated[Literal["auto", "online", "offline24"], BlankIs("auto")] = "auto"


class Invoice(Part):
    """An invoice. Amounts are in ``currency``, except those named ``…_pln``."""

    model: Literal["invoice/1"]
    source: Source | None = None
    kind: Kind
    number: Text256
    issue_date: Day
    issue_place: Opt[Text256] = None
    currency: Annotated[CurrencyCode, BlankIs("PLN")] = "PLN"
    supply: Supply | None = None
    delivery_notes: Annotated[Many[Text256], UpTo(1000)] = ()
    seller: Seller
    buyer: Buyer
    third_parties: Annotated[Many[ThirdParty], UpTo(100)] = ()
    authorised: AuthorisedParty | None = None
    annotations: Annotations = Annotations()
    lines: Annotated[Many[Line], UpTo(10_000)] = ()
    totals: Totals | None = None
    fx: Fx | None = None
    correction: Correction | None = None
    advance: Advance | None = None
    order: Order | None = None
    settlement: Settlement | None = None
    payment: Payment | None = None
    terms: Terms | None = None
    notes: Annotated[Many[Note], UpTo(10_000)] = ()
    flags: Flags = Flags()
    footer: Footer | None = None
    attachment: Attachment | None = None
    delivery: Delivery = Delivery()
