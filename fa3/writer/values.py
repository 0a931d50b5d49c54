"""What each line is worth: given amounts as they are, absent ones computed.

Invariant: a value that the ERP gave is never changed; a computed one is quantity times price less discount,
rounded half up to the grosz.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from contracts.findings import Finding
from contracts.wording import Wording
from fa3.arithmetic import rounded
from fa3.writer.refusal import refused
from fa3.writer.table import LineColumns

_FINEST_DISCOUNT: Final = Decimal("0.00000001")
"""FA(3) type TKwotowy2."""


@dataclass(frozen=True, slots=True)
class LineValues:
    """Line by line: the value, net or gross as it is priced, or neither; the whole discount."""

    nets: Sequence[Decimal | None]
    grosses: Sequence[Decimal | None]
    discounts: Sequence[Decimal | None]


def valued(lines: LineColumns) -> LineValues:
    """The value of every line that has one. To be called within ``ARITHMETIC``."""
    discounts = _discounts(lines)
    return LineValues(
        _products(lines.net, lines.qty, lines.net_price, discounts),
        _products(lines.gross, lines.qty, lines.gross_price, discounts),
        discounts,
    )


def _products(
    given: Sequence[Decimal | None],
    quantities: Sequence[Decimal | None],
    prices: Sequence[Decimal | None],
    discounts: Sequence[Decimal | None],
) -> Sequence[Decimal | None]:
    return [
        amount
        if amount is not None or quantity is None or price is None
        else rounded(quantity * price if discount is None else quantity * price - discount)
        for amount, quantity, price, discount in zip(given, quantities, prices, discounts, strict=True)
    ]


def _discounts(lines: LineColumns) -> Sequence[Decimal | None]:
    if not any(lines.discount_per_unit):
        return lines.discount
    return [
        whole
        if each is None or quantity is None
        else (quantity * each).quantize(_FINEST_DISCOUNT).normalize()
        for whole, each, quantity in zip(lines.discount, lines.discount_per_unit, lines.qty, strict=True)
    ]


def problems(lines: LineColumns, values: LineValues, *, values_needed: bool) -> Iterator[Finding]:
    """Lines whose value or rate cannot be told; ``values_needed`` unless totals stand alone."""
    rows = zip(values.nets, values.grosses, lines.rate, lines.discount_per_unit, lines.qty, strict=True)
    for index, (net, gross, rate, discount_per_unit, quantity) in enumerate(rows):
        if net is None and gross is None:
            if values_needed:
                yield refused(
                    "C32",
                    f"lines[{index}]",
                    Wording(
                        "has no value, and none can be computed", "nie ma wartości i nie da się jej obliczyć"
                    ),
                    next_step=Wording(
                        "Give net or gross, or a quantity and a price.",
                        "Podaj netto lub brutto albo ilość i cenę.",
                    ),
                )
        elif rate is None:
            yield refused(
                "C33",
                f"lines[{index}].rate",
                Wording("is missing on a line with a value", "nie zostało podane w wierszu z wartością"),
                next_step=Wording(
                    "Give the rate code; the margin scheme, which has none, is not written yet.",
                    "Podaj kod stawki; procedura marży, która go nie ma, nie jest jeszcze obsługiwana.",
                ),
            )
        if discount_per_unit is not None and quantity is None:
            yield refused(
                "C32",
                f"lines[{index}].discount_per_unit",
                Wording(
                    "cannot become the line's discount without a quantity",
                    "nie może stać się rabatem wiersza bez ilości",
                ),
                next_step=Wording(
                    "Give qty, or the whole discount as discount.",
                    "Podaj qty albo cały rabat w polu discount.",
                ),
            )
