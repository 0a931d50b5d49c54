"""The invariants, judged on a history. Pure; each one names what breaks it.

The judges are KSeF's acceptance log, what the ERPs read and what passed the wire. Our own tables are never
asked whether something was lost; of the journal it is only checked that it proves what it claims.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from contracts.sales import Outcome, State
from tests.chaos.documents import Contested, Document, Issued, Refused, Rejected
from tests.chaos.history import History, JournalEntry, Told

ENDS = frozenset({State.COMPLETED, State.REFUSED, State.REJECTED, State.PARKED})
RELEASES = frozenset({"proven-absent", "not-processed", "failed-at-ksef"})
"""What the journal must say between two posts of the same bytes: the earlier one has no effect."""
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """One invariant: ``broken`` names what breaks it, a sentence each, nothing when it holds."""

    name: str
    broken: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.broken


def judge(history: History, *, complete: bool) -> tuple[Verdict, ...]:
    """All verdicts. A history cut short (not ``complete``) is judged by what must hold at every moment."""
    chosen = [*_ALWAYS, *(_AT_THE_END if complete else ())]
    return tuple(Verdict(name, tuple(find(history))) for name, find in chosen)


def shown(verdict: Verdict) -> tuple[str, ...]:
    """The first few of what breaks it."""
    more = len(verdict.broken) - _SHOWN
    return (*verdict.broken[:_SHOWN], *((f"and {more} more",) if more > 0 else ()))


def proofs_of_repeats(history: History) -> Counter[str]:
    """How often bytes were posted again, by the proof that the journal had for it."""
    return Counter(proof or "none" for _, proof in _repeats(history))


def _numbers_accepted_twice(history: History) -> Iterator[str]:
    counts = Counter((entry.seller_nip, entry.number) for entry in history.accepted)
    for (nip, number), count in counts.items():
        if count > 1:
            yield f"KSeF accepted {number} of {nip} {count} times"
    for ksef_number, count in Counter(entry.ksef_number for entry in history.accepted).items():
        if count > 1:
            yield f"KSeF gave the number {ksef_number} {count} times"


def _bytes_taken_twice(history: History) -> Iterator[str]:
    """KSeF took the same bytes again although it had not failed them by its own word."""
    documents = _documents_by_hash(history)
    failures = Counter(entry.document_id for entry in history.journal if entry.event == "failed-at-ksef")
    counts = Counter(entry.invoice_hash for entry in history.received)
    for invoice_hash, count in counts.items():
        document = documents.get(invoice_hash)
        if document is None:
            yield f"KSeF took bytes that no document has: {invoice_hash}"
        elif count > 1 + failures[document]:
            yield f"KSeF took the bytes of {document} {count} times"


def _posted_again_without_proof(history: History) -> Iterator[str]:
    for document, proof in _repeats(history):
        if proof is None:
            yield f"{document} was posted again without proof that the earlier post had no effect"


def _posted_without_intent(history: History) -> Iterator[str]:
    documents = _documents_by_hash(history)
    intents = Counter(entry.document_id for entry in history.journal if entry.event == "intent")
    for invoice_hash, count in Counter(
        post.invoice_hash for post in history.posts if _may_count(post.status)
    ).items():
        document = documents.get(invoice_hash)
        if document is None or count > intents[document]:
            yield f"{document or invoice_hash} left {count} times, which the journal did not intend"


def _uninvited(history: History) -> Iterator[str]:
    """KSeF accepted what nobody published or what must never be issued."""
    known = {
        (document.seller_nip, document.number) for document in history.documents if _may_be_issued(document)
    }
    for entry in history.accepted:
        if (entry.seller_nip, entry.number) not in known:
            yield f"KSeF accepted {entry.number} of {entry.seller_nip}, which must not be issued"


def _contradictions(history: History) -> Iterator[str]:
    """A sequence number that tells two things, or an outcome that changes after it was told."""
    by_sequence: dict[tuple[UUID, int], Told] = {}
    for told in history.told:
        first = by_sequence.setdefault((told.document_id, told.sequence), told)
        if first != told:
            yield f"{told.document_id} was told two things under its sequence number {told.sequence}"
    for document, steps in _steps(history).items():
        outcomes = [step.outcome for step in steps if step.outcome != Outcome.PENDING]
        if len(set(outcomes)) > 1:
            yield f"{document} was told {' and '.join(sorted(set(outcomes)))}"


def _wrong_numbers(history: History) -> Iterator[str]:
    """The KSeF number that an ERP was told is the one that KSeF gave to that document's bytes."""
    hashes = {entry.ksef_number: entry for entry in history.accepted}
    documents = {document.document_id: document for document in history.documents}
    for told in history.told:
        if told.ksef_number is None or told.outcome != Outcome.ISSUED:
            continue
        given = hashes.get(told.ksef_number)
        document = documents.get(told.document_id)
        if (
            given is None
            or document is None
            or (given.seller_nip, given.number) != (document.seller_nip, document.number)
        ):
            yield f"{told.document_id} was told the number {told.ksef_number}, which KSeF did not give to it"


def _lost(history: History) -> Iterator[str]:
    """A valid document that KSeF never accepted: one of each number, whoever of its rivals won."""
    accepted = {(entry.seller_nip, entry.number) for entry in history.accepted}
    wanted = {
        (document.seller_nip, document.number) for document in history.documents if _may_be_issued(document)
    }
    for nip, number in sorted(wanted - accepted):
        yield f"KSeF never accepted {number} of {nip}"


def _wrong_fates(history: History) -> Iterator[str]:
    steps = _steps(history)
    for document in history.documents:
        wrong = _wrong_fate(document, steps.get(document.document_id, ()))
        if wrong is not None:
            yield f"{document.document_id} ({document.number}): {wrong}"
    yield from _wrong_contests(history, steps)


def _wrong_fate(document: Document, steps: Sequence[Told]) -> str | None:
    if not steps:
        return "its ERP was told nothing"
    last = steps[-1]
    if last.state not in ENDS:
        return f"still {last.state}"
    match document.fate:
        case Issued():
            return _not_issued(last, steps)
        case Refused(code=code):
            return _not_refused(last, steps, outcome=Outcome.REFUSED, code=code)
        case Rejected(code=code):
            return _not_refused(last, steps, outcome=Outcome.REJECTED, code=code)
        case Contested(code=code):
            if last.outcome == Outcome.ISSUED:
                return _not_issued(last, steps)
            return _not_refused(last, steps, outcome=Outcome.REFUSED, code=code)


def _not_issued(last: Told, steps: Sequence[Told]) -> str | None:
    if last.outcome != Outcome.ISSUED:
        return f"{last.outcome} instead of issued ({' '.join(_codes(steps))})"
    if last.ksef_number is None:
        return "issued without a KSeF number"
    if not any(step.has_receipt for step in steps):
        return "issued without a receipt"
    return None


def _not_refused(last: Told, steps: Sequence[Told], *, outcome: Outcome, code: str) -> str | None:
    if last.outcome != outcome:
        return f"{last.outcome} instead of {outcome}"
    codes = _codes(steps)
    return None if code in codes else f"{outcome} with {' '.join(codes) or 'no finding'} instead of {code}"


def _wrong_contests(history: History, steps: Mapping[UUID, Sequence[Told]]) -> Iterator[str]:
    """Of the documents that want one number exactly one is issued."""
    rivals: defaultdict[tuple[str, str], list[UUID]] = defaultdict(list)
    for document in history.documents:
        if isinstance(document.fate, Contested):
            rivals[document.seller_nip, document.number].append(document.document_id)
    for (_, number), group in rivals.items():
        issued = sum(steps[item][-1].outcome == Outcome.ISSUED for item in group if item in steps)
        if issued != 1:
            yield f"{issued} of the {len(group)} documents that want {number} were issued"


def _gaps(history: History) -> Iterator[str]:
    """A sequence number that its ERP never saw."""
    for document, steps in _steps(history).items():
        missing = set(range(1, steps[-1].sequence + 1)) - {step.sequence for step in steps}
        if missing:
            yield f"{document} lacks {', '.join(map(str, sorted(missing)))} of {steps[-1].sequence} steps"


Finder = Callable[[History], Iterable[str]]
_ALWAYS: Sequence[tuple[str, Finder]] = (
    ("KSeF accepts each number at most once", _numbers_accepted_twice),
    ("KSeF takes the same bytes once, unless it failed them itself", _bytes_taken_twice),
    (
        "The same bytes are posted again only after proof that the earlier post had no effect",
        _posted_again_without_proof,
    ),
    ("Nothing is posted without an intent in the journal", _posted_without_intent),
    ("Nothing is issued that was not to be", _uninvited),
    ("An ERP is never told two things", _contradictions),
    ("The number told is the number given", _wrong_numbers),
)
_AT_THE_END: Sequence[tuple[str, Finder]] = (
    ("Every valid document is accepted by KSeF", _lost),
    ("Every document ends with the fate it must have, and with one", _wrong_fates),
    ("No ERP sees a gap in a document's steps", _gaps),
)


def _repeats(history: History) -> Iterator[tuple[UUID, str | None]]:
    """Every post of bytes that were posted before, with the journal's proof from between the two."""
    documents = _documents_by_hash(history)
    releases: defaultdict[UUID, list[JournalEntry]] = defaultdict(list)
    for entry in history.journal:
        if entry.event in RELEASES:
            releases[entry.document_id].append(entry)
    posts: defaultdict[str, list[float]] = defaultdict(list)
    for post in history.posts:
        if _may_count(post.status):
            posts[post.invoice_hash].append(post.at)
    for invoice_hash, times in posts.items():
        if (document := documents.get(invoice_hash)) is None:
            continue
        for earlier, later in pairwise(sorted(times)):
            between = (entry.event for entry in releases[document] if earlier < entry.at < later)
            yield document, next(between, None)


def _may_count(status: int | None) -> bool:
    """Whether a post may have had an effect: a refusal by KSeF (the session is closed, say) had none."""
    return status is None or not 400 <= status < 500


def _documents_by_hash(history: History) -> dict[str, UUID]:
    return {invoice_hash: document for document, invoice_hash in (history.hashes or {}).items()}


def _may_be_issued(document: Document) -> bool:
    return isinstance(document.fate, Issued | Contested)


def _steps(history: History) -> dict[UUID, list[Told]]:
    """What was told of each document, once each, by sequence."""
    found: defaultdict[UUID, dict[int, Told]] = defaultdict(dict)
    for told in history.told:
        found[told.document_id].setdefault(told.sequence, told)
    return {document: [by_number[n] for n in sorted(by_number)] for document, by_number in found.items()}


def _codes(steps: Sequence[Told]) -> tuple[str, ...]:
    return tuple(code for step in steps for code in step.codes)
