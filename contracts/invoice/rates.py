"""The tax rate of a line or a total: a code of FA(3), or the foreign rate of the one-stop shop.

Invariant: a bare ``0`` is no rate. It may mean any of five codes, and only the ERP knows which.
"""

from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as cs

from contracts.invoice.amounts import Percent
from contracts.invoice.judging import either, judged_by
from contracts.invoice.part import Part

RateCode: TypeAlias = Literal[
    "23", "22", "8", "7", "5", "4", "3", "0 KR", "0 WDT", "0 EX", "zw", "oo", "np I", "np II"
]
"""FA(3) TStawkaPodatku: percentages; 0 % domestic, intra-EU, export; exempt; reverse charge; outside
Poland."""

RATE_CODES: tuple[RateCode, ...] = get_args(RateCode)


class Oss(Part):
    """The rate of the country of consumption (one-stop shop), in percent."""

    oss: Percent
    """The rate in percent."""


class _RateForm:
    """A rate code, its percentage as a whole number, or an ``Oss`` object."""

    def __get_pydantic_core_schema__(self, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        judge = cs.tagged_union_schema(
            {"!code": judged_by(self._code), "!oss": handler(Oss)}, discriminator=self._form
        )
        return either(cs.literal_schema(list(RATE_CODES)), judge)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        percentages = [int(code) for code in RATE_CODES if code.isdigit()]
        return {"anyOf": [{"enum": [*RATE_CODES, *percentages]}, handler(Oss.__pydantic_core_schema__)]}

    @staticmethod
    def _form(value: object) -> str:
        return "!oss" if isinstance(value, (dict, Oss)) else "!code"

    @staticmethod
    def _code(value: object) -> str:
        if type(value) is int:
            value = str(value)
        code = " ".join(value.split()) if isinstance(value, str) else ""
        if code not in RATE_CODES:
            raise PydanticCustomError("rate", "is not a rate code")
        return code


Rate: TypeAlias = Annotated[RateCode | Oss, _RateForm()]
