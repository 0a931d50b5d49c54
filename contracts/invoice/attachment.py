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
    """A column: what its cells hold, and its title."""

    type: Literal["date", "datetime", "dec", "int", "time", "txt"]
    title: Cell = ""


class Table(Part):
    """A table; a row may have fewer cells than there are columns."""

    meta: Annotated[Many[Note], UpTo(1000)] = ()
    caption: Opt[Text512] = None
    columns: Annotated[Many[Column], Field(min_length=1), UpTo(20)]
    rows: Annotated[Many[Row], Field(min_length=1), UpTo(1000)]
    total: Annotated[Many[Cell], UpTo(20)] = ()


class Block(Part):
    """A block of the attachment."""

    header: Opt[Text512] = None
    meta: Annotated[Many[Note], Field(min_length=1), UpTo(1000)]
    paragraphs: Annotated[Many[Text512], UpTo(10)] = ()
    tables: Annotated[Many[Table], UpTo(1000)] = ()


class Attachment(Part):
    """Data of art. 106e that lines cannot hold."""

    blocks: Annotated[Many[Block], Field(min_length=1), UpTo(1000)]
