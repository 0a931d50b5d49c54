import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksef.identifiers import (
    crc8,
    hash_from_hex,
    hash_to_hex,
    is_ksef_number,
    is_nip,
    is_reference_number,
    sha256_base64,
)


def test_crc8_has_the_published_check_value():
    assert crc8("123456789") == "F4"


@pytest.mark.parametrize(
    "number",
    [
        "5265877635-20250826-0100001AF629-AF",
        "5265877635-20250626-010080DD2B5E-26",
        "5265877635-20250916-010040741B3E-46",
        "5265877635-20250916-0200A0D6723E-C2",
        "5555555555-20250828-010080615740-E4",
    ],
)
def test_a_published_ksef_number_is_one(number):
    assert is_ksef_number(number)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("5265877635-20250826-0100001AF629-AE", id="wrong check digits"),
        pytest.param("5265877635-20250826-0100001AF628-AF", id="one digit changed"),
        pytest.param("5265877635-20250826-0100001af629-AF", id="lower case"),
        pytest.param("5265877635-20251326-0100001AF629-AF", id="month 13"),
        pytest.param("5265877635-20250826-010000-1AF629-AF", id="36 characters of KSeF 1.0"),
        pytest.param("5265877635-20250826-0100001AF629-AF\n", id="line end"),
        pytest.param("", id="empty"),
    ],
)
def test_anything_else_is_no_ksef_number(number):
    assert not is_ksef_number(number)


@given(st.integers(min_value=0, max_value=31), st.integers(min_value=1, max_value=127))
def test_crc8_notices_any_change_of_one_character(position, flip):
    number = "5265877635-20250826-0100001AF629"
    changed = number[:position] + chr(ord(number[position]) ^ flip) + number[position + 1 :]

    assert crc8(changed) != "AF"


def test_a_collective_identifier_has_the_same_checksum():
    assert crc8("1111111111-IZ202607-65ED02180000") == "E7"


@pytest.mark.parametrize("nip", ["1111111111", "5265877635"])
def test_a_nip_with_the_right_last_digit_passes(nip):
    assert is_nip(nip)


@pytest.mark.parametrize("nip", ["5265877636", "0265877635", "526587763", "52658776350", "526-58-77-635", ""])
def test_a_wrong_nip_is_refused(nip):
    assert not is_nip(nip)


@pytest.mark.parametrize("last_digit", list("0123456789"))
def test_no_last_digit_fits_where_the_checksum_is_ten(last_digit):
    # 6·1 + 5·1 + 7·1 + 2·1 + 3·1 + 4·1 + 5·1 + 6·1 + 7·7 = 87 = 7·11 + 10
    assert not is_nip(f"111111117{last_digit}")


def test_a_reference_number_is_known_by_its_shape_only():
    assert is_reference_number("20250626-SO-2F14610000-242991F8C9-00")
    assert not is_reference_number("20250626-SO-2F14610000-242991F8C9")


def test_a_hash_is_written_as_padded_standard_base64():
    assert sha256_base64(b"KSeF") == "aLPQeU4oe2E9f/0NIzMrvgbsut7r0ZpZAe1sj9zBp8M="


def test_hashes_convert_between_base64_and_hex():
    in_hex = "68b3d0794e287b613d7ffd0d23332bbe06ecbadeebd19a5901ed6c8fdcc1a7c3"

    assert hash_to_hex("aLPQeU4oe2E9f/0NIzMrvgbsut7r0ZpZAe1sj9zBp8M=") == in_hex
    assert hash_from_hex(in_hex) == "aLPQeU4oe2E9f/0NIzMrvgbsut7r0ZpZAe1sj9zBp8M="


@pytest.mark.parametrize("text", ["", "AAAA", "aLPQeU4oe2E9f_0NIzMrvgbsut7r0ZpZAe1sj9zBp8M", "ą"])
def test_what_is_no_sha256_in_base64_is_refused(text):
    with pytest.raises(ValueError, match="SHA-256"):
        hash_to_hex(text)


def test_what_is_no_sha256_in_hex_is_refused():
    with pytest.raises(ValueError, match="SHA-256"):
        hash_from_hex("00")
