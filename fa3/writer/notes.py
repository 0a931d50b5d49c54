"""DodatkowyOpis: remarks on the whole invoice first, then those on its lines.

Invariant: a remark on a line carries the number that the line is written with. The buyer's order and the
delivery note of a line are such remarks, because FA(3) has no element for them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contracts.findings import Finding
from contracts.invoice import Invoice
from contracts.invoice.lines import PurchaseOrder
from contracts.wording import Wording
from fa3.writer.columns import converted, rows, texts
from fa3.writer.refusal import refused
from fa3.writer.table import LineColumns

ORDER_KEY: Final = "POREF"
DELIVERY_NOTE_KEY: Final = "WZ"

MOST_NOTES: Final = 10_000
"""FA(3), maxOccurs of DodatkowyOpis."""


def problems(invoice: Invoice, lines: LineColumns) -> Iterator[Finding]:
    """More remarks than FA(3) holds."""
    gaps = lines.po.count(None) + lines.delivery_note.count(None)
    count = len(invoice.notes) + 2 * lines.height - gaps + sum(map(len, lines.notes))
    if count > MOST_NOTES:
        yield refused(
            "C42",
            "notes",
            Wording(
                f"and the remarks on lines come to {count:,}, at most {MOST_NOTES:,} fit",
                f"wraz z uwagami do wierszy to {count}, a mieści się najwyżej {MOST_NOTES}",
            ),
            next_step=Wording(
                "Name orders and delivery notes once for the whole invoice, or split it.",
                "Podaj zamówienia i dowody dostawy raz dla całej faktury albo ją podziel.",
            ),
        )


def written(invoice: Invoice, lines: LineColumns) -> str:
    """All remarks."""
    remarks = _Remarks([], [], [])
    for note in invoice.notes:
        remarks.add(None, note.key, note.value)
    numbered = zip(lines.numbers, lines.po, lines.delivery_note, lines.notes, strict=True)
    for number, order, delivery_note, notes in numbered:
        if order is not None:
            remarks.add(number, ORDER_KEY, _order(order))
        if delivery_note is not None:
            remarks.add(number, DELIVERY_NOTE_KEY, delivery_note)
        for note in notes:
            remarks.add(number, note.key, note.value)
    return remarks.written()


@dataclass(frozen=True, slots=True)
class _Remarks:
    """Remarks in columns: number of the line or none, key, value."""

    numbers: list[int | None]
    keys: list[str]
    values: list[str]

    def add(self, number: int | None, key: str, value: str) -> None:
        self.numbers.append(number)
        self.keys.append(key)
        self.values.append(value)

    def written(self) -> str:
        numbers = converted("NrWiersza", self.numbers, str)
        return rows("DodatkowyOpis", (numbers, texts("Klucz", self.keys), texts("Wartosc", self.values)))


def _order(order: PurchaseOrder) -> str:
    return order.number if order.item is None else f"{order.number}/{order.item}"
