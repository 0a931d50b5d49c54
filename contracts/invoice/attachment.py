"""The structured attachment: blocks of key and value, paragraphs and tables.

Invariant: a cell is text; its column says what the text means, nothing converts it. (FA(3) Zalacznik; batch
sessions only, and only with the ministry's consent.)
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from contracts.invoice.lines import Note
from contracts.invoice.part import BlankIs, Many, Opt, Part, UpTo
from contracts.invoice.texts import Text, Text512

Cell: TypeAlias = Annotated[str, Text(256), BlankIs("")]
"""A cell may be empty."""
Row: TypeAlias = Annotated[Many[Cell], Field(min_length=1), UpTo(20)]


class Column(Part):
    """A column of a table."""

    type: Literal["date", "datetime", "dec", "int", "time", "txt"]
    """What its cells hold; nothing converts them."""
    title: Cell = ""
    """Its title."""


class Table(Part):
    """A table; a row may have fewer cells than there are columns."""

    meta: Annotated[Many[Note], UpTo(1000)] = ()
    """What the table is about."""
    caption: Opt[Text512] = None
    """Its caption."""
    columns: Annotated[Many[Column], Field(min_length=1), UpTo(20)]
    """Its columns."""
    rows: Annotated[Many[Row], Field(min_length=1), UpTo(1000)]
    """Its rows of cells."""
    total: Annotated[Many[Cell], UpTo(20)] = ()
    """Cells of a last row with sums."""


class Block(Part):
    """A block of the attachment."""

    header: Opt[Text512] = None
    """Its heading."""
    meta: Annotated[Many[Note], Field(min_length=1), UpTo(1000)]
    """What the block is about."""
    paragraphs: Annotated[Many[Text512], UpTo(10)] = ()
    """Free texts."""
    tables: Annotated[Many[Table], UpTo(1000)] = ()
    """Tables."""


class Attachment(Part):
    """Data of art. 106e that lines cannot hold."""

    blocks: Annotated[Many[Block], Field(min_length=1), UpTo(1000)]
    """Its blocks."""
