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
from contracts.wording import Wording

MethodCode: TypeAlias = Literal["cash", "card", "voucher", "cheque", "credit", "transfer", "mobile"]
METHOD_CODES: tuple[MethodCode, ...] = get_args(MethodCode)

PaymentStatus: TypeAlias = Literal["unpaid", "paid", "partly", "paid_in_parts"]


class OtherMethod(Part):
    """A way of paying that FA(3) has no code for."""

    other: Text256
    """The way of paying, in words."""


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
    Text(
        34,
        pattern="^[^ ]{10,34}$",
        form=Wording("an account number of 10 to 34 characters", "numer rachunku: od 10 do 34 znaków"),
    ),
    BeforeValidator(_without_blanks),
]
Swift: TypeAlias = Annotated[
    str,
    Text(
        11,
        pattern="^[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$",
        form=Wording("a SWIFT code of 8 or 11 characters", "kod SWIFT: 8 lub 11 znaków"),
    ),
]
IpKsef: TypeAlias = Annotated[
    str,
    Text(
        13,
        pattern="^[0-9]{3}[a-zA-Z0-9]{10}$",
        form=Wording(
            "a payment id: three digits and ten characters",
            "identyfikator płatności: trzy cyfry i dziesięć znaków",
        ),
    ),
]


class PaymentPart(Part):
    """One payment of several, already made."""

    amount: Money
    """How much."""
    date: Day
    """When."""
    method: Opt[Method] = None
    """How."""


class PaymentTerm(Part):
    """When payment is due: on a day, or ``count`` ``unit`` after an ``event`` (14 days, receipt)."""

    date: Opt[Day] = None
    """The day it is due."""
    count: Opt[Annotated[int, Whole(0, 999_999_999)]] = None
    """How many units after the event."""
    unit: Opt[Text50] = None
    """The unit, such as days."""
    event: Opt[Text256] = None
    """The event, such as receipt."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        all_or_none(self, "count", "unit", "event")
        return self


class Account(Part):
    """A bank account."""

    number: AccountNumber
    """NRB or IBAN; blanks are taken out."""
    swift: Opt[Swift] = None
    """SWIFT code."""
    own_bank: Opt[Annotated[int, Whole(1, 3)]] = None
    """1 purchased receivables, 2 collection, 3 the bank's own business."""
    bank: Opt[Text256] = None
    """Name of the bank."""
    note: Opt[Text256] = None
    """A remark."""


class CashDiscount(Part):
    """A discount for paying early."""

    conditions: Text256
    """The conditions, in words."""
    amount: Text256
    """How much, in words."""


class Payment(Part):
    """Status, terms, method, accounts."""

    status: Opt[PaymentStatus] = None
    """``paid`` needs ``paid_on``; ``partly`` and ``paid_in_parts`` need ``parts``. (FA(3) Zaplacono,
    ZnacznikZaplatyCzesciowej.)"""
    paid_on: Opt[Day] = None
    """The day it was paid."""
    parts: Annotated[Many[PaymentPart], UpTo(100)] = ()
    """Payments already made."""
    terms: Annotated[Many[PaymentTerm], UpTo(100)] = ()
    """When it is due."""
    method: Opt[Method] = None
    """How it is paid: a code, or ``other`` in words."""
    accounts: Annotated[Many[Account], UpTo(100)] = ()
    """Accounts to pay into."""
    factor_accounts: Annotated[Many[Account], UpTo(20)] = ()
    """The factor's accounts."""
    discount: CashDiscount | None = None
    """A discount for paying early."""
    link: Opt[Annotated[str, Text(512)]] = None
    """An address to pay at, whose query carries the payment id ``IPKSeF``."""
    ipksef: Opt[IpKsef] = None
    """The payment id of the invoice."""
