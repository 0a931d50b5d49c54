"""What the books of validator, sender and tracker must agree on about one document. Pure.

The sender's book is the measure: what it wrote was announced in the same transaction.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from services.sender.books import Entry
from services.sender.submission import State
from services.tracker.books import Standing
from services.validator.books import Number

_ISSUED = frozenset({State.ISSUED, State.COMPLETED})
# Ends of a document's way that the sender announces, and that the tracker must know.
_ENDS = _ISSUED | {State.REJECTED, State.PARKED}


@dataclass(frozen=True, slots=True)
class Finding:
    """Two books that contradict each other about one document."""

    document_id: str
    kind: str
    text: str
    mend: str


def compare(
    document: UUID,
    *,
    admitted: bool,
    entry: Entry | None,
    standing: Standing | None,
    number: Number | None,
) -> Iterator[Finding]:
    """Everything the books disagree on; None is a book that does not have the document."""
    if entry is None:
        if admitted:
            yield Finding(
                str(document),
                "not-with-sender",
                "the validator admitted it, the sender does not have it",
                "Is a sender running, and what is the lag of its group (`ksef-courier doctor`)? If the topic "
                "does not have the event any more, set back the group on it: taking over again is harmless.",
            )
        return
    if not admitted:
        yield Finding(
            str(document),
            "not-admitted",
            f"the sender has it ({entry.state}), the validator never admitted it",
            "Was one schema of the database restored without the others? Find out in KSeF what is true "
            "before the sender goes on with that company.",
        )
    yield from _as_told(entry, standing)
    if admitted:
        yield from _as_decided(entry, number)


def _as_told(entry: Entry, standing: Standing | None) -> Iterator[Finding]:
    """The tracker against the sender."""
    theirs = "" if standing is None else standing.state
    ours = str(entry.state)
    if (theirs != ours and {theirs, ours} & _ENDS) or standing is None:
        yield Finding(
            str(entry.document_id),
            "tracker-disagrees",
            f"the sender says {ours}, the tracker {theirs or 'does not have it'}",
            "Is a tracker running, and what is the lag of its group (`ksef-courier doctor`)? If it has read "
            "everything, set back its group on sales.document.status.v1: it drops what it has seen.",
        )
    elif entry.state in _ISSUED and standing.ksef_number != entry.ksef_number:
        yield Finding(
            str(entry.document_id),
            "ksef-number-differs",
            f"the sender says {entry.ksef_number}, the tracker {standing.ksef_number}",
            "The document's receipt (UPO) says which number is right. Report it as a defect.",
        )


def _as_decided(entry: Entry, number: Number | None) -> Iterator[Finding]:
    """The validator's number against the sender: held until the fate is known, then issued or given up."""
    state = None if number is None else number.state
    if entry.state in _ISSUED:
        agree = number is not None and (state, number.ksef_number) == ("issued", entry.ksef_number)
    elif entry.state is State.REJECTED:
        agree = state in (None, "free")
    else:
        agree = state == "held"
    if not agree:
        yield Finding(
            str(entry.document_id),
            "number-disagrees",
            f"the sender says {entry.state}, the validator has its number as {state or 'not its own'}",
            "Is a validator running, and what is the lag of its group (`ksef-courier doctor`)? If it has "
            "read everything, set back its group on sales.document.status.v1: it decides only what is open.",
        )
