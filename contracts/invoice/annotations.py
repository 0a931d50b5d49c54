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
    """Why supplies are exempt: an article of the ``act``, of the ``directive``, or an ``other`` basis."""

    basis: Literal["act", "directive", "other"]
    text: Text256


class LandVehicle(Part):
    """A land vehicle; at most one of the four numbers is given."""

    mileage: Text256
    vin: Opt[Text256] = None
    body: Opt[Text256] = None
    chassis: Opt[Text256] = None
    frame: Opt[Text256] = None
    type: Opt[Text256] = None

    @model_validator(mode="after")
    def _is_numbered_once(self) -> Self:
        at_most_one(self, "vin", "body", "chassis", "frame")
        return self


class Vessel(Part):
    """A vessel, with its hours of use."""

    hours: Text256
    hull: Opt[Text256] = None


class Aircraft(Part):
    """An aircraft, with its hours of use."""

    hours: Text256
    serial: Opt[Text256] = None


class NewVehicle(Part):
    """A new means of transport supplied within the EU; ``line`` is the number of its line."""

    first_use: Day
    line: LineNumber
    make: Opt[Text256] = None
    model: Opt[Text256] = None
    colour: Opt[Text256] = None
    plate: Opt[Text256] = None
    year: Opt[Text256] = None
    land: LandVehicle | None = None
    vessel: Vessel | None = None
    aircraft: Aircraft | None = None

    @model_validator(mode="after")
    def _is_of_one_sort(self) -> Self:
        exactly_one(self, "land", "vessel", "aircraft")
        return self


class NewVehicles(Part):
    """New means of transport; ``vat22`` says that the form VAT-22 is due."""

    vat22: Flag = False
    items: Annotated[Many[NewVehicle], Field(min_length=1), UpTo(10_000)]


class Annotations(Part):
    """The statements of art. 106e; ``auto`` has the writer decide from lines and totals."""

    cash_method: Flag = False
    self_billing: Flag = False
    reverse_charge: FlagOrAuto = False
    split_payment: FlagOrAuto = False
    triangular: Flag = False
    exemption: Exemption | None = None
    margin: Opt[MarginScheme] = None
    new_vehicles: NewVehicles | None = None


class Flags(Part):
    """Marks: invoice to a till ``receipt``, ``related`` parties, note for an ``excise_refund``."""

    receipt: Flag = False
    related: Flag = False
    excise_refund: Flag = False
