"""What a correction corrects and why.

Invariant: the rest of a correcting invoice states what is true after it; only totals are differences, and
only this part names the original. (FA(3) PrzyczynaKorekty … P_15ZK.)
"""

from typing import Annotated, Self, TypeAlias

from pydantic import model_validator

from contracts.invoice.amounts import ExchangeRate, Money, Whole
from contracts.invoice.choices import at_most_one
from contracts.invoice.moments import Day
from contracts.invoice.part import Flag, Many, Opt, Part, UpTo
from contracts.invoice.party import BuyerBefore, SellerBefore
from contracts.invoice.texts import Text, Text256
from contracts.wording import Wording

KsefNumber: TypeAlias = Annotated[
    str,
    Text(
        36,
        pattern=r"^(?:[1-9][0-9]{9}|M[0-9]{9}|[A-Z]{3}[0-9]{7})-[0-9]{8}-[0-9A-F]{6}-?[0-9A-F]{6}-[0-9A-F]{2}$",
        form=Wording("a KSeF number", "numer KSeF"),
    ),
]
"""NIP, day of acceptance, twelve hex digits, checksum; with one more hyphen if KSeF 1.0 gave it."""


class Original(Part):
    """A corrected invoice: the very first one, never an earlier correction of it.

    ``outside_ksef`` says that it has no KSeF number; with neither given, the number is to be looked up.
    """

    number: Text256
    """Its number."""
    issue_date: Day
    """Its day of issue."""
    ksef_number: Opt[KsefNumber] = None
    """Its KSeF number."""
    outside_ksef: Flag = False
    """It was issued outside KSeF and has no KSeF number."""

    @model_validator(mode="after")
    def _is_in_ksef_or_not(self) -> Self:
        at_most_one(self, "ksef_number", "outside_ksef")
        return self


class Correction(Part):
    """The reason, the originals, and the data as they stood before."""

    reason: Opt[Text256] = None
    """Why it is corrected, in words."""
    effect: Opt[Annotated[int, Whole(1, 3)]] = None
    """When it counts in the VAT ledger: 1 at the original's date, 2 at its own, 3 other or mixed."""
    period: Opt[Text256] = None
    """The period of a collective discount."""
    correct_number: Opt[Text256] = None
    """The right number, where the number itself was wrong."""
    originals: Annotated[Many[Original], UpTo(50_000)] = ()
    """The invoices that are corrected."""
    seller_before: SellerBefore | None = None
    """The seller's data before, if they are corrected."""
    buyers_before: Annotated[Many[BuyerBefore], UpTo(101)] = ()
    """The data before of the buyer and additional buyers, if they are corrected."""
    amount_before: Opt[Money] = None
    """The amount before; corrections of advances and settlements."""
    fx_before: Opt[ExchangeRate] = None
    """The exchange rate before; corrections of advances."""
