"""Dead letters: what a letter says beside the record, and how many may follow one another."""

import pytest
from aiokafka import ConsumerRecord

from runtime.dead_letters import IN_A_ROW_LIMIT, in_a_row, letter
from runtime.errors import TooManyDeadLetters
from runtime.records import DeadLetter, Done, Retry

BAD = DeadLetter("unreadable")


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


def test_a_letter_is_the_record_with_further_headers() -> None:
    sent = letter(record(), DeadLetter("unreadable", "żółw", attempts=3), service="mapper")

    assert (sent.topic, sent.key, sent.value) == ("ksef.mapper.dlq", b"\xffkey", b"\x00value")
    assert list(sent.headers) == [
        ("a", b"\xff"),
        ("a", None),
        ("dlq_reason", b"unreadable"),
        ("dlq_detail", "żółw".encode()),
        ("dlq_attempts", b"3"),
        ("dlq_topic", b"t1.sales.document.accepted.v1"),
        ("dlq_partition", b"3"),
        ("dlq_offset", b"42"),
        ("dlq_timestamp_ms", b"1790000000000"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "sent"), [(b"k", None, None), (None, b"v", b"v"), (None, None, b""), (None, b"", b"")]
)
def test_what_a_record_lacks_its_letter_lacks_too_as_far_as_kafka_lets_us(
    key: bytes | None, value: bytes | None, sent: bytes | None
) -> None:
    assert letter(record(key=key, value=value), BAD, service="mapper").value == sent


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
