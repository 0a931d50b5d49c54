"""Statements that the VAT Act wants on an invoice, and the marks for the VAT ledger.

Invariant: absent means no; every statement is written into FA(3) as a plain yes or no. (FA(3) Adnotacje,
FP, TP, ZwrotAkcyzy.)
"""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from contracts.invoice.choices import at_most_one, exactly_one
from contracts.invoice.lines import LineNumber
from contracts.invoice.moments import Day
from contracts.invoice.part import BlankIs, Flag, Many, Opt, Part, UpTo
from contracts.invoice.texts import Text256

FlagOrAuto: TypeAlias = Annotated[Literal[True, False, "auto"], BlankIs(False)]
"""Yes, no, or decided from the lines and totals."""

MarginScheme: TypeAlias = Literal["travel", "used_goods", "art", "antiques"]


class Exemption(Part):
    """Why supplies are exempt."""

    basis: Literal["act", "directive", "other"]
    """An article of the ``act`` (P_19A), of the ``directive`` (P_19B), or an ``other`` basis (P_19C)."""
    text: Text256
    """The article, or the basis in words."""


class LandVehicle(Part):
    """A land vehicle; at most one of the four numbers is given."""

    mileage: Text256
    """How far it has gone."""
    vin: Opt[Text256] = None
    """Vehicle identification number."""
    body: Opt[Text256] = None
    """Body number."""
    chassis: Opt[Text256] = None
    """Chassis number."""
    frame: Opt[Text256] = None
    """Frame number."""
    type: Opt[Text256] = None
    """Its type."""

    @model_validator(mode="after")
    def _is_numbered_once(self) -> Self:
        at_most_one(self, "vin", "body", "chassis", "frame")
        return self


class Vessel(Part):
    """A vessel."""

    hours: Text256
    """Hours of use."""
    hull: Opt[Text256] = None
    """Hull number."""


class Aircraft(Part):
    """An aircraft."""

    hours: Text256
    """Hours of use."""
    serial: Opt[Text256] = None
    """Serial number."""


class NewVehicle(Part):
    """A new means of transport supplied within the EU: exactly one of land vehicle, vessel, aircraft."""

    first_use: Day
    """The day it was first put to use."""
    line: LineNumber
    """The number of its line."""
    make: Opt[Text256] = None
    """Make."""
    model: Opt[Text256] = None
    """Model."""
    colour: Opt[Text256] = None
    """Colour."""
    plate: Opt[Text256] = None
    """Registration number."""
    year: Opt[Text256] = None
    """Year of production."""
    land: LandVehicle | None = None
    """A land vehicle."""
    vessel: Vessel | None = None
    """A vessel."""
    aircraft: Aircraft | None = None
    """An aircraft."""

    @model_validator(mode="after")
    def _is_of_one_sort(self) -> Self:
        exactly_one(self, "land", "vessel", "aircraft")
        return self


class NewVehicles(Part):
    """New means of transport."""

    vat22: Flag = False
    """The form VAT-22 is due."""
    items: Annotated[Many[NewVehicle], Field(min_length=1), UpTo(10_000)]
    """Each of them."""


class Annotations(Part):
    """The statements of art. 106e; ``auto`` has the writer decide from lines and totals."""

    cash_method: Flag = False
    """Cash accounting (metoda kasowa)."""
    self_billing: Flag = False
    """The buyer issues the invoice for the seller."""
    reverse_charge: FlagOrAuto = False
    """The buyer accounts for the tax; ``auto``: follows from the rates."""
    split_payment: FlagOrAuto = False
    """Split payment is compulsory; ``auto``: follows from annex 15 and the total."""
    triangular: Flag = False
    """Simplified triangular transaction."""
    exemption: Exemption | None = None
    """Why supplies are exempt; due with the rate ``zw``."""
    margin: Opt[MarginScheme] = None
    """The margin scheme and its kind."""
    new_vehicles: NewVehicles | None = None
    """New means of transport supplied within the EU."""


class Flags(Part):
    """Marks for the VAT ledger."""

    receipt: Flag = False
    """The invoice belongs to a receipt of a till."""
    related: Flag = False
    """Seller and buyer are related parties."""
    excise_refund: Flag = False
    """Note for farmers who ask for an excise refund."""
