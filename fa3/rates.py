"""The rate codes of FA(3): their percentage, and the totals they feed.

Invariant: every code feeds exactly one group; groups are listed in the order of the schema. (FA(3) P_12,
P_13_x, P_14_x, P_14_xW.)
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from contracts.invoice.rates import RateCode


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The elements that hold the totals of some rates; two of them only where there is VAT."""

    net: str
    vat: str | None = None
    vat_pln: str | None = None


BASE: Final = Group("P_13_1", "P_14_1", "P_14_1W")
REDUCED: Final = Group("P_13_2", "P_14_2", "P_14_2W")
SECOND_REDUCED: Final = Group("P_13_3", "P_14_3", "P_14_3W")
TAXI: Final = Group("P_13_4", "P_14_4", "P_14_4W")
ZERO_DOMESTIC: Final = Group("P_13_6_1")
ZERO_INTRA_EU: Final = Group("P_13_6_2")
ZERO_EXPORT: Final = Group("P_13_6_3")
EXEMPT: Final = Group("P_13_7")
ABROAD: Final = Group("P_13_8")
ABROAD_EU_SERVICES: Final = Group("P_13_9")
REVERSE_CHARGE: Final = Group("P_13_10")

GROUPS: Final = (
    BASE,
    REDUCED,
    SECOND_REDUCED,
    TAXI,
    ZERO_DOMESTIC,
    ZERO_INTRA_EU,
    ZERO_EXPORT,
    EXEMPT,
    ABROAD,
    ABROAD_EU_SERVICES,
    REVERSE_CHARGE,
)


class TaxRate(NamedTuple):
    """What a rate code stands for; ``percent`` is 0 where no VAT is charged."""

    percent: Decimal
    group: Group


_NONE: Final = Decimal(0)

TAX_RATES: Final[dict[RateCode, TaxRate]] = {
    "23": TaxRate(Decimal(23), BASE),
    "22": TaxRate(Decimal(22), BASE),
    "8": TaxRate(Decimal(8), REDUCED),
    "7": TaxRate(Decimal(7), REDUCED),
    "5": TaxRate(Decimal(5), SECOND_REDUCED),
    "4": TaxRate(Decimal(4), TAXI),
    "3": TaxRate(Decimal(3), TAXI),
    "0 KR": TaxRate(_NONE, ZERO_DOMESTIC),
    "0 WDT": TaxRate(_NONE, ZERO_INTRA_EU),
    "0 EX": TaxRate(_NONE, ZERO_EXPORT),
    "zw": TaxRate(_NONE, EXEMPT),
    "np I": TaxRate(_NONE, ABROAD),
    "np II": TaxRate(_NONE, ABROAD_EU_SERVICES),
    "oo": TaxRate(_NONE, REVERSE_CHARGE),
}
