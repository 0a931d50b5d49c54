"""Each invariant can fail: a hand-made history that holds, and one change that breaks it."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.chaos.checker import judge, proofs_of_repeats, shown
from tests.chaos.documents import Contested, Document, Issued, Refused
from tests.chaos.history import Accepted, History, JournalEntry, Received, Told
from tests.chaos.proxy import Post

NIP = "7210000017"
FIRST, SECOND, THIRD, FOURTH = (UUID(int=number) for number in (1, 2, 3, 4))

DOCUMENTS = (
    Document(FIRST, "erp", NIP, "FV/1", Issued()),
    Document(SECOND, "erp", NIP, "FV/2", Refused("C10")),
    Document(THIRD, "erp", NIP, "FV/3", Contested("D02")),
    Document(FOURTH, "erp", NIP, "FV/3", Contested("D02")),
)


def told(document: UUID, sequence: int, state: str, outcome: str = "pending", **more: object) -> Told:
    given: dict[str, object] = {"step": state, "at": 10.0 + sequence, **more}
    return Told(document, sequence, state=state, outcome=outcome, **given)  # type: ignore[arg-type]  # a test's brevity


def issued(document: UUID, number: str) -> tuple[Told, ...]:
    return (
        told(document, 1, "accepted"),
        told(document, 2, "issued", "issued", ksef_number=number),
        told(document, 3, "completed", "issued", ksef_number=number, has_receipt=True),
    )


# FV/1 was posted, lost on the way, proven absent and posted again; FV/3 of the third document won.
GOOD = History(
    documents=DOCUMENTS,
    received=(Received(14.0, "hash-1", 200), Received(15.0, "hash-3", 200)),
    accepted=(Accepted(NIP, "FV/1", "hash-1", "K-1"), Accepted(NIP, "FV/3", "hash-3", "K-3")),
    told=(
        *issued(FIRST, "K-1"),
        told(SECOND, 1, "refused", "refused", codes=("C10",)),
        *issued(THIRD, "K-3"),
        told(FOURTH, 1, "waiting"),
        told(FOURTH, 2, "refused", "refused", codes=("D02",)),
        told(SECOND, 1, "refused", "refused", codes=("C10",)),
    ),
    posts=(
        Post(11.0, "hash-1", None),
        Post(12.0, "hash-1", 400),
        Post(14.0, "hash-1", 202),
        Post(15.0, "hash-3", 202),
    ),
    journal=(
        JournalEntry(FIRST, 10.9, "intent", 1),
        JournalEntry(FIRST, 13.0, "proven-absent", 1),
        JournalEntry(FIRST, 13.9, "intent", 2),
        JournalEntry(THIRD, 14.9, "intent", 1),
    ),
    hashes={FIRST: "hash-1", THIRD: "hash-3"},
)

ONCE = "KSeF accepts each number at most once"
BYTES = "KSeF takes the same bytes once, unless it failed them itself"
PROOF = "The same bytes are posted again only after proof that the earlier post had no effect"
INTENT = "Nothing is posted without an intent in the journal"
UNINVITED = "Nothing is issued that was not to be"
CONTRADICTION = "An ERP is never told two things"
NUMBER = "The number told is the number given"
LOST = "Every valid document is accepted by KSeF"
FATE = "Every document ends with the fate it must have, and with one"
GAP = "No ERP sees a gap in a document's steps"


def without(history: History, document: UUID) -> tuple[Told, ...]:
    return tuple(item for item in history.told if item.document_id != document)


BROKEN = {
    "a number accepted twice": (
        replace(GOOD, accepted=(*GOOD.accepted, Accepted(NIP, "FV/1", "hash-1", "K-9"))),
        {ONCE},
    ),
    "one KSeF number for two invoices": (
        replace(GOOD, accepted=(GOOD.accepted[0], replace(GOOD.accepted[1], ksef_number="K-1"))),
        {ONCE, NUMBER},
    ),
    "bytes taken twice": (replace(GOOD, received=(*GOOD.received, Received(16.0, "hash-1", 440))), {BYTES}),
    "bytes of nobody": (replace(GOOD, received=(*GOOD.received, Received(16.0, "hash-9", 450))), {BYTES}),
    "a proof that comes after the second post": (
        replace(GOOD, journal=tuple(replace(item, at=item.at + 5) for item in GOOD.journal)),
        {PROOF},
    ),
    "a second post without proof": (
        replace(GOOD, journal=tuple(item for item in GOOD.journal if item.event == "intent")),
        {PROOF},
    ),
    "a post without intent": (
        replace(GOOD, journal=tuple(item for item in GOOD.journal if item.document_id != THIRD)),
        {INTENT},
    ),
    "a refused document issued": (
        replace(GOOD, accepted=(*GOOD.accepted, Accepted(NIP, "FV/2", "hash-2", "K-2"))),
        {UNINVITED},
    ),
    "a number of nobody issued": (
        replace(GOOD, accepted=(*GOOD.accepted, Accepted(NIP, "FV/9", "hash-9", "K-9"))),
        {UNINVITED},
    ),
    "two texts under one sequence number": (
        replace(GOOD, told=(*GOOD.told, told(SECOND, 1, "refused", "refused", codes=("C11",)))),
        {CONTRADICTION},
    ),
    "an outcome that changes": (
        replace(GOOD, told=(*GOOD.told, told(FIRST, 4, "rejected", "rejected"))),
        {CONTRADICTION, FATE},
    ),
    "the number of another document": (
        replace(GOOD, told=(*without(GOOD, FIRST), *issued(FIRST, "K-3"))),
        {NUMBER},
    ),
    "a valid document never accepted": (
        replace(GOOD, accepted=GOOD.accepted[1:]),
        {LOST, NUMBER},
    ),
    "an ERP told nothing": (replace(GOOD, told=without(GOOD, SECOND)), {FATE}),
    "a document that never ends": (
        replace(GOOD, told=(*without(GOOD, FIRST), told(FIRST, 1, "accepted"))),
        {FATE},
    ),
    "a valid document refused": (
        replace(GOOD, told=(*without(GOOD, FIRST), told(FIRST, 1, "refused", "refused", codes=("C10",)))),
        {FATE},
    ),
    "a refusal for another reason": (
        replace(GOOD, told=(*without(GOOD, SECOND), told(SECOND, 1, "refused", "refused", codes=("C11",)))),
        {FATE},
    ),
    "issued without a receipt": (
        replace(
            GOOD,
            told=(
                *without(GOOD, FIRST),
                *(replace(item, has_receipt=False) for item in issued(FIRST, "K-1")),
            ),
        ),
        {FATE},
    ),
    "both rivals refused": (
        replace(
            GOOD,
            told=(*without(GOOD, THIRD), told(THIRD, 1, "refused", "refused", codes=("D02",))),
        ),
        {FATE},
    ),
    "a step that its ERP never saw": (
        replace(GOOD, told=tuple(item for item in GOOD.told if item != issued(FIRST, "K-1")[1])),
        {GAP},
    ),
}


def broken_names(history: History, *, complete: bool = True) -> set[str]:
    return {verdict.name for verdict in judge(history, complete=complete) if not verdict.holds}


def test_a_history_with_a_lost_post_and_its_proof_holds() -> None:
    assert broken_names(GOOD) == set()


@pytest.mark.parametrize(("history", "broken"), BROKEN.values(), ids=BROKEN.keys())
def test_an_invariant_names_what_breaks_it(history: History, broken: set[str]) -> None:
    assert broken_names(history) == broken


def test_every_invariant_has_an_example_that_breaks_it() -> None:
    names = {verdict.name for verdict in judge(GOOD, complete=True)}

    assert names == set().union(*(broken for _, broken in BROKEN.values()))


def test_a_history_cut_short_is_not_blamed_for_what_had_no_time() -> None:
    assert broken_names(replace(GOOD, accepted=(), told=()), complete=False) == set()


def test_bytes_that_ksef_failed_itself_may_come_again() -> None:
    failed = JournalEntry(FIRST, 14.1, "failed-at-ksef", 2)
    again = replace(
        GOOD,
        received=(*GOOD.received, Received(16.0, "hash-1", 200)),
        journal=(*GOOD.journal, failed, JournalEntry(FIRST, 15.0, "intent", 3)),
        posts=(*GOOD.posts, Post(16.0, "hash-1", 202)),
    )

    assert broken_names(again) == set()


def test_repeated_posts_are_counted_by_their_proof() -> None:
    assert proofs_of_repeats(GOOD) == {"proven-absent": 1}


def test_of_many_faults_the_first_are_shown() -> None:
    numbers = tuple(Accepted(NIP, f"X/{number}", f"h-{number}", f"X-{number}") for number in range(25))
    verdicts = judge(replace(GOOD, accepted=(*GOOD.accepted, *numbers)), complete=True)

    (broken,) = (verdict for verdict in verdicts if not verdict.holds)
    assert len(shown(broken)) == 21
    assert shown(broken)[-1] == "and 5 more"
