"""What was seen during an experiment, from four sides: KSeF, the ERPs, the wire, the sender's journal.

Plain values, so that a hand-made history can be judged like a real one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from tests.chaos.documents import Document
from tests.chaos.proxy import Post


@dataclass(frozen=True, slots=True)
class Received:
    """KSeF took these bytes (a line of its acceptance log), whatever its verdict."""

    at: float
    invoice_hash: str
    verdict: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """KSeF gave this invoice a number."""

    seller_nip: str
    number: str
    invoice_hash: str
    ksef_number: str


@dataclass(frozen=True, slots=True)
class Told:
    """One message that an ERP read on its results topic."""

    document_id: UUID
    sequence: int
    step: str
    state: str
    outcome: str
    at: float
    ksef_number: str | None = None
    codes: tuple[str, ...] = ()
    has_receipt: bool = False


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A line of the sender's journal about a document."""

    document_id: UUID
    at: float
    event: str
    attempt: int | None


@dataclass(frozen=True, slots=True)
class History:
    """Times are seconds since the epoch, all of one machine's clock.

    ``told`` is in the order of reading, repeats included. ``hashes`` says which bytes the sender sends for a
    document.
    """

    documents: Sequence[Document]
    received: Sequence[Received]
    accepted: Sequence[Accepted]
    told: Sequence[Told]
    posts: Sequence[Post] = ()
    journal: Sequence[JournalEntry] = ()
    hashes: Mapping[UUID, str] | None = None
