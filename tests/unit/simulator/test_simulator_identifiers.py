from datetime import UTC, date, datetime

import pytest

from simulator.protocol.identifiers import crc8, ksef_number, new_reference, nip_checksum_holds
from tests.support.simulator_driver import seeded


def test_crc8_has_the_standard_check_value():
    assert crc8("123456789") == "F4"


@pytest.mark.parametrize(
    "published",
    [
        "5265877635-20250826-0100001AF629-AF",
        "5265877635-20250626-010080DD2B5E-26",
        "5265877635-20250916-010040741B3E-46",
        "5265877635-20250916-0200A0D6723E-C2",
        "5555555555-20250828-010080615740-E4",
        "1111111111-IZ202607-65ED02180000-E7",
    ],
)
def test_published_numbers_end_in_their_crc(published):
    assert crc8(published[:32]) == published[33:]


def test_a_reference_has_36_characters_its_date_its_kind_and_its_crc():
    reference = new_reference("SO", now=datetime(2026, 11, 20, 23, 30, tzinfo=UTC), rng=seeded(1))

    assert len(reference) == 36
    assert reference.startswith("20261120-SO-")
    assert crc8(reference[:33]) == reference[34:]


def test_references_of_one_millisecond_differ():
    now, rng = datetime(2026, 11, 20, tzinfo=UTC), seeded(1)

    assert len({new_reference("EE", now=now, rng=rng) for _ in range(1000)}) == 1000


def test_a_seed_gives_the_same_reference_again():
    now = datetime(2026, 11, 20, tzinfo=UTC)

    assert new_reference("EE", now=now, rng=seeded(5)) == new_reference("EE", now=now, rng=seeded(5))


def test_a_ksef_number_carries_seller_day_and_crc():
    number = ksef_number(seller_nip="5265877635", day=date(2026, 11, 20), ordinal=26, rng=seeded(1))

    assert number.startswith("5265877635-20261120-00001A")
    assert len(number) == 35
    assert crc8(number[:32]) == number[33:]


@pytest.mark.parametrize("nip", ["1111111111", "5265877635"])
def test_real_nips_pass_the_checksum(nip):
    assert nip_checksum_holds(nip)


@pytest.mark.parametrize("nip", ["5265877636", "1234567890"])
def test_a_wrong_last_digit_fails_the_checksum(nip):
    assert not nip_checksum_holds(nip)
