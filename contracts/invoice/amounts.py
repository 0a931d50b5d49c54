"""Numbers of ``invoice/1``: exact decimals and whole numbers, never floats.

Invariant: an amount that passed is finite and within the digits that FA(3) has for it, so nothing is
rounded later.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as cs

from contracts.invoice.judging import either, judged_by

_written_amount = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII).fullmatch
_written_whole = re.compile(r"-?[0-9]{1,20}", re.ASCII).fullmatch


def plain(amount: Decimal) -> str:
    """The amount's own digits without an exponent: ``1.10``, ``0.00000001``, ``1000``."""
    text = str(amount)
    return format(amount, "f") if "E" in text else text


def _exact(value: object) -> Decimal:
    if isinstance(value, Decimal):
        amount = value
    elif type(value) is int:
        amount = Decimal(value)
    elif isinstance(value, str) and _written_amount(value.strip()):
        amount = Decimal(value.strip())
    elif isinstance(value, str):
        raise PydanticCustomError("amount_form", "is not written in digits with a decimal point")
    else:
        raise PydanticCustomError("amount", "is not a number")
    if not amount.is_finite():
        raise PydanticCustomError("amount_infinite", "is not a finite number")
    return amount


@dataclass(frozen=True, slots=True)
class Amount:
    """An exact number with at most ``whole`` digits before and ``places`` digits after the decimal point.

    Accepts a text, a whole number or a ``Decimal``. A float is refused: its digits are not what the ERP
    wrote. Zeros beyond ``places`` are cut (``10.5000`` is an amount of money), other digits there are
    refused.
    """

    whole: int
    places: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        digits = cs.str_schema(pattern=f"^{self._pattern}$", strict=True)
        fast = cs.no_info_after_validator_function(Decimal, digits)
        in_json = cs.plain_serializer_function_ser_schema(plain, when_used="json")
        return either(fast, judged_by(self._judge), serialization=in_json)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "pattern": f"^{self._pattern}$"}, {"type": "number"}]}

    @property
    def _pattern(self) -> str:
        return rf"-?(?:[1-9][0-9]{{0,{self.whole - 1}}}|0)(?:\.[0-9]{{1,{self.places}}})?"

    def _judge(self, value: object) -> Decimal:
        amount = _exact(value)
        # Before any text is made of it: 1E+999999999 would not fit into memory.
        if amount and amount.adjusted() >= self.whole:
            raise PydanticCustomError(
                "amount_whole", "has more than {whole} digits before the point", {"whole": self.whole}
            )
        if amount and amount.adjusted() < -self.places:
            raise self._too_fine()
        whole, _, decimals = format(amount or Decimal(0), "f").partition(".")
        if decimals[self.places :].strip("0"):
            raise self._too_fine()
        return Decimal(f"{whole}.{decimals[: self.places]}")

    def _too_fine(self) -> PydanticCustomError:
        return PydanticCustomError(
            "amount_places", "has more than {places} decimals", {"places": self.places}
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``least`` to ``most``; its digits as a text are accepted too."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return either(cs.int_schema(ge=self.least, le=self.most, strict=True), judged_by(self._judge))

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def _judge(self, value: object) -> int:
        if isinstance(value, str) and _written_whole(value.strip()):
            value = int(value)
        if type(value) is not int:
            raise PydanticCustomError("whole", "is not a whole number")
        if not self.least <= value <= self.most:
            context = {"least": self.least, "most": self.most}
            raise PydanticCustomError("range", "is not between {least} and {most}", context)
        return value


Money: TypeAlias = Annotated[Decimal, Amount(whole=16, places=2)]
"""An amount in the invoice's currency (FA(3) type TKwotowy)."""
Price: TypeAlias = Annotated[Decimal, Amount(whole=14, places=8)]
"""A unit price or a discount (FA(3) type TKwotowy2)."""
Quantity: TypeAlias = Annotated[Decimal, Amount(whole=16, places=6)]
"""A quantity (FA(3) type TIlosci)."""
ExchangeRate: TypeAlias = Annotated[Decimal, Amount(whole=16, places=6)]
"""PLN for one unit of the foreign currency; rates quoted per 100 units are divided before they come here."""
Percent: TypeAlias = Annotated[Decimal, Amount(whole=3, places=6)]
"""A share or a foreign tax rate (FA(3) type TProcentowy, which also demands 0 to 100)."""
