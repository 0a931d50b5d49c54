from datetime import UTC, date, datetime

import pytest

from simulator.protocol.times import local_timestamp, parse_timestamp, timestamp, warsaw_day


def test_timestamps_have_seven_fractional_digits_and_an_offset():
    assert (
        timestamp(datetime(2026, 11, 20, 11, 0, 5, 123456, tzinfo=UTC)) == "2026-11-20T11:00:05.1234566+00:00"
    )


def test_receipt_times_are_polish_with_milliseconds():
    assert (
        local_timestamp(datetime(2026, 11, 20, 11, 0, 5, 123456, tzinfo=UTC))
        == "2026-11-20T12:00:05.123+01:00"
    )
    assert local_timestamp(datetime(2026, 7, 1, 11, 0, tzinfo=UTC)) == "2026-07-01T13:00:00.000+02:00"


def test_the_legal_day_changes_at_polish_midnight():
    assert warsaw_day(datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert warsaw_day(datetime(2026, 11, 20, 23, 0, 0, tzinfo=UTC)) == date(2026, 11, 21)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T11:00:00Z", datetime(2026, 11, 20, 11, 0, tzinfo=UTC)),
        ("2026-11-20T12:00:00+01:00", datetime(2026, 11, 20, 11, 0, tzinfo=UTC)),
        ("2026-11-20T12:00:00", datetime(2026, 11, 20, 11, 0, tzinfo=UTC)),
        ("2026-11-20T11:00:00.1234569Z", datetime(2026, 11, 20, 11, 0, 0, 123456, tzinfo=UTC)),
    ],
    ids=["zulu", "offset", "no offset is Polish time", "a seventh digit is cut, never rounded"],
)
def test_date_times_are_read(text, moment):
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    ["2026-11-20", "20261120T110000Z", "yesterday", "2026-13-20T11:00:00Z", "0001-01-01T00:00:00+05:00"],
)
def test_other_texts_are_no_date_times(text):
    with pytest.raises(ValueError, match=r"date-time|month"):
        parse_timestamp(text)
