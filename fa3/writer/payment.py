"""Platnosc: what was paid, when and how the rest is due, and where to.

Invariant: paid in full carries its day, paid in part its parts; neither is guessed.
"""

from collections.abc import Iterator
from typing import Final

from contracts.findings import Finding
from contracts.invoice.payment import (
    Account,
    CashDiscount,
    Method,
    MethodCode,
    OtherMethod,
    Payment,
    PaymentPart,
    PaymentTerm,
)
from contracts.wording import Wording
from fa3.arithmetic import money
from fa3.writer.markup import element, flag, group, optional
from fa3.writer.refusal import refused

_METHODS: Final[dict[MethodCode, int]] = {
    "cash": 1,
    "card": 2,
    "voucher": 3,
    "cheque": 4,
    "credit": 5,
    "transfer": 6,
    "mobile": 7,
}
_PART_MARKS: Final = {"partly": "1", "paid_in_parts": "2"}


def problems(payment: Payment | None) -> Iterator[Finding]:
    """A status whose day or parts are missing, and days and parts that go with another status."""
    if payment is None:
        return
    in_parts = payment.status in _PART_MARKS
    if payment.status == "paid" and payment.paid_on is None:
        yield _contradiction(
            "paid_on",
            Wording(
                "is missing, though the invoice is paid", "nie zostało podane, choć faktura jest zapłacona"
            ),
            Wording("Give the day of payment.", "Podaj dzień zapłaty."),
        )
    if payment.status != "paid" and payment.paid_on is not None:
        yield _contradiction(
            "paid_on",
            Wording("needs the status paid", "wymaga statusu paid"),
            Wording("Give status paid, or remove the day.", "Podaj status paid albo usuń dzień."),
        )
    if in_parts and not payment.parts:
        yield _contradiction(
            "parts",
            Wording(
                f"are missing with the status {payment.status}",
                f"nie zostały podane przy statusie {payment.status}",
            ),
            Wording("Give each payment made.", "Podaj każdą dokonaną płatność."),
        )
    if payment.parts and not in_parts:
        yield _contradiction(
            "parts",
            Wording("need the status partly or paid_in_parts", "wymagają statusu partly lub paid_in_parts"),
            Wording("Give the status, or remove the parts.", "Podaj status albo usuń płatności częściowe."),
        )


def written(payment: Payment | None) -> str:
    """The block, or nothing."""
    if payment is None:
        return ""
    return group(
        "Platnosc",
        _status(payment)
        + "".join(map(_term, payment.terms))
        + _method(payment.method)
        + "".join(_account("RachunekBankowy", account) for account in payment.accounts)
        + "".join(_account("RachunekBankowyFaktora", account) for account in payment.factor_accounts)
        + _discount(payment.discount)
        + optional("LinkDoPlatnosci", payment.link)
        + optional("IPKSeF", payment.ipksef),
    )


def _status(payment: Payment) -> str:
    if payment.status == "paid":
        return flag("Zaplacono", True) + optional("DataZaplaty", payment.paid_on)
    if payment.status in _PART_MARKS:
        mark = element("ZnacznikZaplatyCzesciowej", _PART_MARKS[payment.status])
        return mark + "".join(map(_part, payment.parts))
    return ""


def _part(part: PaymentPart) -> str:
    return group(
        "ZaplataCzesciowa",
        element("KwotaZaplatyCzesciowej", money(part.amount))
        + element("DataZaplatyCzesciowej", part.date)
        + _method(part.method),
    )


def _term(term: PaymentTerm) -> str:
    described = ""
    if term.count is not None:
        described = (
            element("Ilosc", term.count)
            + optional("Jednostka", term.unit)
            + optional("ZdarzeniePoczatkowe", term.event)
        )
    return group("TerminPlatnosci", optional("Termin", term.date) + group("TerminOpis", described))


def _method(method: Method | None) -> str:
    if method is None:
        return ""
    if isinstance(method, OtherMethod):
        return flag("PlatnoscInna", True) + element("OpisPlatnosci", method.other)
    return element("FormaPlatnosci", _METHODS[method])


def _account(tag: str, account: Account) -> str:
    return group(
        tag,
        element("NrRB", account.number)
        + optional("SWIFT", account.swift)
        + optional("RachunekWlasnyBanku", account.own_bank)
        + optional("NazwaBanku", account.bank)
        + optional("OpisRachunku", account.note),
    )


def _discount(discount: CashDiscount | None) -> str:
    if discount is None:
        return ""
    return group(
        "Skonto", element("WarunkiSkonta", discount.conditions) + element("WysokoscSkonta", discount.amount)
    )


def _contradiction(field: str, problem: Wording, next_step: Wording) -> Finding:
    return refused("C38", f"payment.{field}", problem, next_step=next_step)
