"""Dead letters: what a letter says beside the record, and how many may follow one another."""

from datetime import UTC, datetime
from importlib.metadata import version

import pytest
from aiokafka import ConsumerRecord

from runtime.dead_letters import (
    IN_A_ROW_LIMIT,
    Body,
    Letter,
    NoLetter,
    Origin,
    in_a_row,
    letter,
    read_letter,
)
from runtime.errors import TooManyDeadLetters
from runtime.producer import check_publishable
from runtime.records import DeadLetter, Done, Outbound, Retry
from runtime.topics import table

BAD = DeadLetter("unreadable")
FAILED_AT = datetime(2026, 11, 2, 9, 30, 0, 250_000, tzinfo=UTC)


def record(**fields: object) -> ConsumerRecord:
    values: dict[str, object] = {
        "topic": "t1.sales.document.accepted.v1",
        "partition": 3,
        "offset": 42,
        "timestamp": 1_790_000_000_000,
        "timestamp_type": 0,
        "key": b"\xffkey",
        "value": b"\x00value",
        "checksum": None,
        "serialized_key_size": 4,
        "serialized_value_size": 6,
        "headers": (("a", b"\xff"), ("a", None)),
    }
    return ConsumerRecord(**(values | fields))


def sent(original: ConsumerRecord, about: DeadLetter = BAD) -> Outbound:
    return letter(original, about, service="mapper", failed_at=FAILED_AT)


def lying(letter_: Outbound, *, offset: int = 17) -> ConsumerRecord:
    """The letter as it is read from its topic."""
    return record(
        topic="t1.ksef.mapper.dlq",
        offset=offset,
        key=letter_.key,
        value=letter_.value,
        headers=tuple(letter_.headers),
    )


def read(letter_: Outbound) -> Letter:
    return read_letter(lying(letter_), service="mapper")


def test_a_letter_is_the_record_with_further_headers() -> None:
    letter_ = sent(record(), DeadLetter("unreadable", "żółw", attempts=3))

    assert (letter_.topic, letter_.key, letter_.value) == ("ksef.mapper.dlq", b"\xffkey", b"\x00value")
    assert list(letter_.headers) == [
        ("a", b"\xff"),
        ("a", None),
        ("dlq_service", b"mapper"),
        ("dlq_reason", b"unreadable"),
        ("dlq_detail", "żółw".encode()),
        ("dlq_attempts", b"3"),
        ("dlq_failed_at", b"2026-11-02T09:30:00.250000Z"),
        ("dlq_version", version("ksef-courier").encode()),
        ("dlq_topic", b"t1.sales.document.accepted.v1"),
        ("dlq_partition", b"3"),
        ("dlq_offset", b"42"),
        ("dlq_timestamp_ms", b"1790000000000"),
        ("dlq_own_headers", b"2"),
    ]


def test_a_letter_is_read_as_it_was_written() -> None:
    found = read(sent(record(), DeadLetter("unreadable", "żółw", attempts=3)))

    assert found == Letter(
        service="mapper",
        offset=17,
        key=b"\xffkey",
        value=b"\x00value",
        headers=(("a", b"\xff"), ("a", None)),
        reason="unreadable",
        detail="żółw",
        attempts=3,
        origin=Origin("t1.sales.document.accepted.v1", 3, 42, datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)),
        failed_at=FAILED_AT,
        version=version("ksef-courier"),
        body=Body(6, "7377811838091e7b3c61c2fc4a67260c46c22d417c3a574303f8e5661cb1ee94"),
        left_at_origin=False,
    )
    assert found.id == "mapper:17"


@pytest.mark.parametrize(
    "own",
    [
        (),
        (("dlq_reason", b"mine"), ("dlq_own_headers", b"0")),
        (("dlq_own_headers", b"99"), ("", b""), ("dlq_left_bytes", None)),
    ],
    ids=str,
)
def test_a_record_gets_its_own_headers_back_whatever_they_are_called(
    own: tuple[tuple[str, bytes | None], ...],
) -> None:
    found = read(sent(record(headers=own)))

    assert found.headers == own
    assert (found.reason, found.left_at_origin) == ("unreadable", False)


def test_a_letter_of_a_letter_keeps_the_first_one_whole() -> None:
    first = sent(record())

    second = read(sent(lying(first)))

    assert second.headers == tuple(first.headers)


def test_the_largest_record_of_any_topic_fits_with_what_we_say_about_it() -> None:
    largest = max(topic.max_message_bytes for topic in table() if "dlq" not in topic.name)
    talkative = DeadLetter("handler-error", "x" * 5000)

    letter_ = sent(record(value=b"v" * largest), talkative)

    check_publishable(letter_)
    assert letter_.value == b"v" * largest
    assert read(letter_).detail == "x" * 1000


@pytest.mark.parametrize(
    "large",
    [{"value": b"\0" * 5_000_000}, {"key": b"\0" * 5_000_000}, {"headers": (("h", b"\0" * 5_000_000),)}],
    ids=["value", "key", "header"],
)
def test_a_record_that_only_compression_made_small_enough_stays_where_it_is_and_its_letter_says_so(
    large: dict[str, object],
) -> None:
    letter_ = sent(record(**large))

    check_publishable(letter_)
    found = read(letter_)
    assert found.left_at_origin
    assert (found.key, found.value, found.headers) == (None, b"", ())
    assert (found.origin.partition, found.origin.offset) == (3, 42)


def test_size_and_hash_of_what_was_left_at_its_origin_are_known() -> None:
    found = read(sent(record(value=b"\0" * 5_000_000)))

    assert found.body == Body(5_000_000, "b39781589c4403fb82174c9647a010464cff38bad976547d339899b00053a545")


@pytest.mark.parametrize(
    ("headers", "lacks"),
    [
        ((), "its last header is not dlq_own_headers"),
        ((("dlq_own_headers", None),), "its last header is not dlq_own_headers"),
        ((("dlq_own_headers", b"-1"),), "its last header is not dlq_own_headers"),
        ((("dlq_own_headers", b"1"),), "its last header is not dlq_own_headers"),
        ((("dlq_own_headers", b"9" * 5000),), "its last header is not dlq_own_headers"),
        ((("dlq_own_headers", b"0"),), "the header dlq_reason is missing"),
    ],
)
def test_what_is_no_letter_is_told_from_one(
    headers: tuple[tuple[str, bytes | None], ...], lacks: str
) -> None:
    with pytest.raises(NoLetter, match=lacks):
        read_letter(record(headers=headers), service="mapper")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dlq_offset", b"x"),
        ("dlq_timestamp_ms", b"9" * 30),
        ("dlq_failed_at", b"yesterday"),
        ("dlq_failed_at", b"2026-11-02T09:30:00"),
    ],
)
def test_a_letter_whose_facts_cannot_be_read_is_none(name: str, text: bytes) -> None:
    letter_ = sent(record())
    spoilt = [(key, text if key == name else value) for key, value in letter_.headers]

    with pytest.raises(NoLetter, match="cannot be read"):
        read_letter(record(headers=tuple(spoilt)), service="mapper")


@pytest.mark.parametrize(
    ("key", "value", "kept"), [(b"k", None, None), (None, b"v", b"v"), (None, None, b""), (None, b"", b"")]
)
def test_what_a_record_lacks_its_letter_lacks_too_as_far_as_kafka_lets_us(
    key: bytes | None, value: bytes | None, kept: bytes | None
) -> None:
    assert sent(record(key=key, value=value)).value == kept


def test_a_row_goes_on_from_batch_to_batch() -> None:
    assert in_a_row([BAD, BAD], before=5) == 7
    assert in_a_row([], before=5) == 5


def test_a_good_record_ends_a_row_and_a_waiting_one_does_not() -> None:
    assert in_a_row([BAD, Done(), BAD], before=90) == 1
    assert in_a_row([BAD, Retry(5, "wait"), BAD], before=90) == 92


def test_a_row_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert in_a_row([BAD], before=IN_A_ROW_LIMIT - 1) == IN_A_ROW_LIMIT
    with pytest.raises(TooManyDeadLetters, match=r"101 records in a row .*unreadable"):
        in_a_row([BAD], before=IN_A_ROW_LIMIT)
