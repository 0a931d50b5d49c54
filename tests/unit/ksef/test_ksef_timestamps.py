from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksef.timestamps import format_timestamp, parse_timestamp


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-07-11T12:23:56.0154302+00:00", datetime(2025, 7, 11, 12, 23, 56, 15430, UTC)),
        ("2025-07-11T12:23:56.9999999+00:00", datetime(2025, 7, 11, 12, 23, 56, 999999, UTC)),
        ("2025-07-11T12:23:56Z", datetime(2025, 7, 11, 12, 23, 56, 0, UTC)),
        ("2025-09-16T01:05:40.841+02:00", datetime(2025, 9, 15, 23, 5, 40, 841000, UTC)),
    ],
)
def test_a_time_is_read_in_utc_and_cut_to_microseconds(text, expected):
    assert parse_timestamp(text) == expected
    assert parse_timestamp(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "2025-07-11T12:23:56",
        "2025-07-11",
        "2025-07-11 12:23:56Z",
        "20250711T122356Z",
        "2025-02-30T12:00:00Z",
        "2025-07-11T12:23:56Z\n",
        "",
    ],
)
def test_any_other_shape_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_timestamp(text)


@given(
    st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year >= 1000),
    st.text("0123456789", min_size=1, max_size=3),
)
def test_digits_beyond_microseconds_never_make_a_time_later(moment, more_digits):
    text = f"{moment:%Y-%m-%dT%H:%M:%S.%f}{more_digits}+00:00"

    assert parse_timestamp(text) == moment


def test_a_time_is_written_in_utc_with_microseconds():
    warsaw = timezone(timedelta(hours=2))

    assert format_timestamp(datetime(2025, 7, 11, 1, 5, 40, 250, warsaw)) == "2025-07-10T23:05:40.000250Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_that_was_written_reads_as_the_same_moment(moment):
    assert parse_timestamp(format_timestamp(moment)) == moment


def test_a_time_without_an_offset_is_not_written():
    with pytest.raises(ValueError, match="without an offset"):
        format_timestamp(datetime(2025, 7, 11))  # noqa: DTZ001  the mistake under test
