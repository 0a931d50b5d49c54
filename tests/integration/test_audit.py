"""``ksef-courier audit`` on the real database: books agree, or what differs is named."""

import pytest

from cli.audit import Audit, compare_books, confirmed
from runtime.db import Database
from tests.support.books import COMPLETED, ISSUED, KSEF_NUMBER, REJECTED, SENDING, SENT
from tests.support.flow import ref


async def compared(database: Database, *, settled_seconds: float = 0) -> Audit:
    return await compare_books(database, days=7, settled_seconds=settled_seconds)


async def test_the_books_of_documents_that_flowed_agree(books: Database) -> None:
    assert await compared(books) == Audit(documents=6, findings=())


@pytest.mark.parametrize(
    ("statement", "number", "kind", "text"),
    [
        (
            "delete from sender.submission where state = 'sending'",
            SENDING,
            "not-with-sender",
            "the validator admitted it, the sender does not have it",
        ),
        (
            "delete from validator.document where number = 'FV/3'",
            SENT,
            "not-admitted",
            "the sender has it (sent), the validator never admitted it",
        ),
        (
            "delete from tracker.document where state = 'completed'",
            COMPLETED,
            "tracker-disagrees",
            "the sender says completed, the tracker does not have it",
        ),
        (
            "update tracker.document set state = 'sent' where state = 'rejected'",
            REJECTED,
            "tracker-disagrees",
            "the sender says rejected, the tracker sent",
        ),
        (
            "update tracker.document set state = 'issued' where state = 'sent'",
            SENT,
            "tracker-disagrees",
            "the sender says sent, the tracker issued",
        ),
        (
            "update sender.submission set ksef_number = 'other' where state = 'issued'",
            ISSUED,
            "ksef-number-differs",
            f"the sender says other, the tracker {KSEF_NUMBER}4",
        ),
        (
            "update validator.fingerprint set state = 'held' where number = 'FV/5'",
            COMPLETED,
            "number-disagrees",
            "the sender says completed, the validator has its number as held",
        ),
        (
            "update validator.fingerprint set state = 'held' where number = 'FV/6'",
            REJECTED,
            "number-disagrees",
            "the sender says rejected, the validator has its number as held",
        ),
        (
            "update validator.fingerprint set state = 'free' where number = 'FV/3'",
            SENT,
            "number-disagrees",
            "the sender says sent, the validator has its number as free",
        ),
    ],
)
async def test_what_one_service_lost_is_named_with_what_the_other_says(
    books: Database, statement: str, number: int, kind: str, text: str
) -> None:
    await books.execute(statement)

    first = (await compared(books)).findings[0]

    assert (first.document_id, first.kind, first.text) == (str(ref(number).document_id), kind, text)
    assert first.mend


async def test_documents_that_moved_just_now_are_left_out(books: Database) -> None:
    await books.execute("update tracker.document set state = 'sent'")

    assert (await compared(books, settled_seconds=60)).findings == ()


async def test_what_is_in_order_at_the_second_look_is_not_reported(books: Database) -> None:
    suspects = [(ref(number).accepted_at, ref(number).document_id) for number in (SENT, COMPLETED)]
    await books.execute("update tracker.document set state = 'issued' where state = 'sent'")

    findings = await confirmed(books, suspects, settled_seconds=0)

    assert [finding.document_id for finding in findings] == [str(ref(SENT).document_id)]


async def test_what_moved_since_the_first_look_is_not_reported(books: Database) -> None:
    suspects = [(ref(SENT).accepted_at, ref(SENT).document_id)]
    await books.execute("update tracker.document set state = 'issued' where state = 'sent'")

    assert await confirmed(books, suspects, settled_seconds=60) == ()


async def test_documents_from_before_the_period_are_left_out(books: Database) -> None:
    audit = await compare_books(books, days=0, settled_seconds=0)

    assert audit.documents == 0


async def test_all_pages_are_compared(books: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for service in ("sender", "validator"):
        monkeypatch.setattr(f"services.{service}.books.PAGE", 2)
    await books.execute("delete from tracker.document")

    audit = await compared(books)

    assert audit.documents == 6
    assert len(audit.findings) == 6
