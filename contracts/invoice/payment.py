"""How, when and where to the invoice is paid.

Invariant: a method is one of FA(3)'s seven or described in words; an account number holds no blanks.
(FA(3) Platnosc.)
"""

from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as cs

from contracts.invoice.amounts import Money, Whole
from contracts.invoice.choices import all_or_none
from contracts.invoice.judging import judged_by
from contracts.invoice.moments import Day
from contracts.invoice.part import Many, Opt, Part, UpTo
from contracts.invoice.texts import Text, Text50, Text256

MethodCode: TypeAlias = Literal["cash", "card", "voucher", "cheque", "credit", "transfer", "mobile"]
METHOD_CODES: tuple[MethodCode, ...] = get_args(MethodCode)

PaymentStatus: TypeAlias = Literal["unpaid", "paid", "partly", "paid_in_parts"]


class OtherMethod(Part):
    """A way of paying that FA(3) has no code for."""

    other: Text256


class _MethodForm:
    """A method code, or an ``OtherMethod`` object."""

    def __get_pydantic_core_schema__(self, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return cs.tagged_union_schema(
            {"!code": judged_by(self._code), "!other": handler(OtherMethod)}, discriminator=self._form
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"enum": [*METHOD_CODES]}, handler(OtherMethod.__pydantic_core_schema__)]}

    @staticmethod
    def _form(value: object) -> str:
        return "!other" if isinstance(value, (dict, OtherMethod)) else "!code"

    @staticmethod
    def _code(value: object) -> object:
        if value not in METHOD_CODES:
            raise PydanticCustomError("method", "is not a payment method")
        return value


Method: TypeAlias = Annotated[MethodCode | OtherMethod, _MethodForm()]


def _without_blanks(value: Any) -> Any:
    return "".join(value.split()) if isinstance(value, str) else value


AccountNumber: TypeAlias = Annotated[
    str,
    Text(34, pattern="^[^ ]{10,34}$", form="an account number of 10 to 34 characters"),
    BeforeValidator(_without_blanks),
]
Swift: TypeAlias = Annotated[
    str, Text(11, pattern="^[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$", form="a SWIFT code of 8 or 11 characters")
]
IpKsef: TypeAlias = Annotated[
    str, Text(13, pattern="^[0-9]{3}[a-zA-Z0-9]{10}$", form="a payment id: three digits and ten characters")
]


class PaymentPart(Part):
    """One payment of several, already made."""

    amount: Money
    date: Day
    method: Opt[Method] = None


class PaymentTerm(Part):
    """When payment is due: on a day, or ``count`` ``unit`` after an ``event`` (14 days, receipt)."""

    date: Opt[Day] = None
    count: Opt[Annotated[int, Whole(0, 999_999_999)]] = None
    unit: Opt[Text50] = None
    event: Opt[Text256] = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        all_or_none(self, "count", "unit", "event")
        return self


class Account(Part):
    """A bank account: NRB or IBAN.

    ``own_bank``: 1 purchased receivables, 2 collection, 3 the bank's own business.
    """

    number: AccountNumber
    swift: Opt[Swift] = None
    own_bank: Opt[Annotated[int, Whole(1, 3)]] = None
    bank: Opt[Text256] = None
    note: Opt[Text256] = None


class CashDiscount(Part):
    """A discount for paying early, in words: its ``conditions`` and its ``amount``."""

    conditions: Text256
    amount: Text256


class Payment(Part):
    """Status, terms, method, accounts.

    ``paid`` needs ``paid_on``; ``partly`` and ``paid_in_parts`` need ``parts``. ``link`` is an address
    whose query carries the payment id ``IPKSeF``.
    """

    status: Opt[PaymentStatus] = None
    paid_on: Opt[Day] = None
    parts: Annotated[Many[PaymentPart], UpTo(100)] = ()
    terms: Annotated[Many[PaymentTerm], UpTo(100)] = ()
    method: Opt[Method] = None
    accounts: Annotated[Many[Account], UpTo(100)] = ()
    factor_accounts: Annotated[Many[Account], UpTo(20)] = ()
    discount: CashDiscount | None = None
    link: Opt[Annotated[str, Text(512)]] = None
    ipksef: Opt[IpKsef] = None
