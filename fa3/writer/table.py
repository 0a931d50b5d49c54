"""The lines of an invoice turned into columns.

Invariant: a column has one value for each line, in the lines' order, under the name of the field. An
invoice may have 10,000 lines of one shape: what holds for a whole column is asked once, not line by line.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from contracts.invoice.lines import Line, LineState, Note, Procedure, PurchaseOrder
from contracts.invoice.rates import Oss, RateCode


class LineColumns(NamedTuple):
    """The fields of ``Line``, each as a column."""

    no: Sequence[int | None]
    uid: Sequence[str | None]
    name: Sequence[str]
    sku: Sequence[str | None]
    gtin: Sequence[str | None]
    pkwiu: Sequence[str | None]
    cn: Sequence[str | None]
    pkob: Sequence[str | None]
    unit: Sequence[str | None]
    qty: Sequence[Decimal | None]
    net_price: Sequence[Decimal | None]
    net: Sequence[Decimal | None]
    vat: Sequence[Decimal | None]
    rate: Sequence[RateCode | Oss | None]
    annex15: Sequence[bool]
    excise: Sequence[Decimal | None]
    gtu: Sequence[int | None]
    procedure: Sequence[Procedure | None]
    state: Sequence[LineState]
    date: Sequence[date | None]
    gross_price: Sequence[Decimal | None]
    discount: Sequence[Decimal | None]
    discount_per_unit: Sequence[Decimal | None]
    gross: Sequence[Decimal | None]
    fx_rate: Sequence[Decimal | None]
    po: Sequence[PurchaseOrder | None]
    delivery_note: Sequence[str | None]
    notes: Sequence[tuple[Note, ...]]

    @property
    def height(self) -> int:
        """How many lines there are."""
        return len(self.name)

    @property
    def numbers(self) -> list[int]:
        """The number that each line is written with: its own, or its position counted from 1."""
        return [number or position for position, number in enumerate(self.no, 1)]


_DEFAULTS: dict[str, Any] = {name: Line.model_fields[name].default for name in LineColumns._fields}


def columns_of(lines: Sequence[Line]) -> LineColumns:
    """Every field of the lines as a column."""
    # Lists of values and no tuples of rows: thousands of small containers would wake the garbage collector.
    rows = list(map(vars, lines))
    used: set[str] = set().union(*(line.model_fields_set for line in lines))
    return LineColumns._make(
        [row[name] for row in rows] if name in used else [default] * len(rows)
        for name, default in _DEFAULTS.items()
    )
