"""Adnotacje: the statements of art. 106e, each as a plain yes or no.

Invariant: ``auto`` is decided where the lines and totals decide it, and refused where they leave it open.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from contracts.findings import Finding
from contracts.invoice import Invoice
from contracts.invoice.annotations import Exemption
from contracts.wording import Wording
from fa3.writer.markup import element, yes_no
from fa3.writer.refusal import refused
from fa3.writer.totals import Summary

SPLIT_PAYMENT_ABOVE_PLN: Final = Decimal(15_000)
"""Gross amount above which annex-15 goods and services are paid in split form (art. 106e(1)(18a))."""

_EXEMPTION_ELEMENTS: Final = {"act": "P_19A", "directive": "P_19B", "other": "P_19C"}
_NO_NEW_VEHICLES: Final = "<NoweSrodkiTransportu><P_22N>1</P_22N></NoweSrodkiTransportu>"
_NO_MARGIN: Final = "<PMarzy><P_PMarzyN>1</P_PMarzyN></PMarzy>"


def problems(invoice: Invoice, totals: Summary) -> Iterator[Finding]:
    """Statements that are missing or cannot be decided."""
    said = invoice.annotations
    if "zw" in totals.codes and said.exemption is None:
        yield refused(
            "C34",
            "annotations.exemption",
            Wording(
                "is missing: the invoice has an exempt rate (zw)",
                "nie zostało podane, a faktura ma stawkę zwolnioną (zw)",
            ),
            next_step=Wording(
                "Give the basis of the exemption and its text.", "Podaj podstawę zwolnienia i jej treść."
            ),
        )
    if said.reverse_charge == "auto" and _reverse_charge(totals) is None:
        yield _undecided(
            "reverse_charge",
            Wording("np I leaves it open who settles the tax", "stawka np I nie mówi, kto rozlicza podatek"),
        )
    if said.split_payment == "auto" and _split_payment(invoice, totals) is None:
        yield _undecided(
            "split_payment",
            Wording("the amount due in PLN is not known", "nie jest znana kwota należności w PLN"),
        )


def written(invoice: Invoice, totals: Summary) -> str:
    """The whole block; an invoice with ``problems`` must not come here."""
    said = invoice.annotations
    reverse_charge = _reverse_charge(totals) if said.reverse_charge == "auto" else said.reverse_charge
    split_payment = _split_payment(invoice, totals) if said.split_payment == "auto" else said.split_payment
    return (
        "<Adnotacje>"
        + yes_no("P_16", said.cash_method)
        + yes_no("P_17", said.self_billing)
        + yes_no("P_18", bool(reverse_charge))
        + yes_no("P_18A", bool(split_payment))
        + _exemption(said.exemption)
        + _NO_NEW_VEHICLES
        + yes_no("P_23", said.triangular)
        + _NO_MARGIN
        + "</Adnotacje>"
    )


def _exemption(exemption: Exemption | None) -> str:
    if exemption is None:
        return "<Zwolnienie><P_19N>1</P_19N></Zwolnienie>"
    basis = element(_EXEMPTION_ELEMENTS[exemption.basis], exemption.text)
    return f"<Zwolnienie><P_19>1</P_19>{basis}</Zwolnienie>"


def _reverse_charge(totals: Summary) -> bool | None:
    if totals.codes & {"oo", "np II"}:
        return True
    return None if "np I" in totals.codes else False


def _split_payment(invoice: Invoice, totals: Summary) -> bool | None:
    if not any(line.annex15 for line in invoice.lines):
        return False
    # A correction's total is a difference and says nothing about the amount that the duty depends on.
    if invoice.kind == "KOR":
        return None
    if invoice.currency == "PLN":
        return totals.gross > SPLIT_PAYMENT_ABOVE_PLN
    return None if invoice.fx is None else totals.gross * invoice.fx.rate > SPLIT_PAYMENT_ABOVE_PLN


def _undecided(field: str, reason: Wording) -> Finding:
    return refused(
        "C39",
        f"annotations.{field}",
        Wording(f"cannot be decided: {reason.en}", f"nie daje się rozstrzygnąć: {reason.pl}"),
        value="auto",
        next_step=Wording("Say true or false.", "Podaj true albo false."),
    )
