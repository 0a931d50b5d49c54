"""Elements of many rows, written column by column.

Invariant: the text is what writing row after row would give. Whether a column occurs at all, has gaps or
needs escaping is settled once for all rows.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from contracts.invoice.amounts import plain
from fa3.arithmetic import money
from fa3.writer.markup import escaped

T = TypeVar("T")


Column: TypeAlias = tuple[str, Sequence[str | None]]
"""An element of every row: its tag, and its text or absence row by row, with markup escaped."""


def texts(tag: str, values: Sequence[str | None]) -> Column | None:
    """Free texts, or none if no row has one."""
    if _is_empty(values):
        return None
    together = "".join(filter(None, values))
    if "&" in together or "<" in together or ">" in together:
        return tag, [value and escaped(value) for value in values]
    return tag, values


def amounts(tag: str, values: Sequence[Decimal | None]) -> Column | None:
    """Numbers with the digits they have, or none if no row has one."""
    if _is_empty(values):
        return None
    written = list(map(str, values))
    # An exponent (0.00000001 is 1E-8) or a gap is rare: only then each value is looked at.
    if "E" in "".join(written) or "None" in written:
        return converted(tag, values, plain)
    return tag, written


def sums(tag: str, values: Sequence[Decimal | None]) -> Column | None:
    """Amounts of money, with two decimals, or none if no row has one."""
    return converted(tag, values, money)


def converted(tag: str, values: Sequence[T | None], convert: Callable[[T], str]) -> Column | None:
    """Values whose text needs no escaping, or none if no row has one."""
    if _is_empty(values):
        return None
    return tag, [None if value is None else convert(value) for value in values]


def marks(tag: str, values: Sequence[bool]) -> Column | None:
    """Marks: 1 where it applies, absent elsewhere."""
    return (tag, ["1" if value else None for value in values]) if True in values else None


def rows(tag: str, columns: Iterable[Column | None]) -> str:
    """An element ``tag`` for each row, around the columns' elements in their order; one column is needed."""
    shape = ""
    cells: list[Sequence[Any]] = []
    for column in columns:
        if column is None:
            continue
        name, values = column
        if None in values:
            shape += "%s"
            cells.append(["" if text is None else f"<{name}>{text}</{name}>" for text in values])
        else:
            shape += f"<{name}>%s</{name}>"
            cells.append(values)
    return "".join(map(f"<{tag}>{shape}</{tag}>".__mod__, zip(*cells, strict=True)))


def _is_empty(values: Sequence[object]) -> bool:
    # The first cell tells a full column at once; only a column that starts with a gap is counted.
    return not values or (values[0] is None and values.count(None) == len(values))
