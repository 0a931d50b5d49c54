"""Numbers and hashes in KSeF's own forms, and their checks (KSeF API 2.9; official client, CRC-8).

Pure. A check answers True or False; what a wrong number means is the caller's decision.
"""

import base64
import hashlib
import re

_KSEF_NUMBER = re.compile(
    r"[1-9](?:\d[1-9]|[1-9]\d)\d{7}"
    r"-(?:20[2-9]\d|2[1-9]\d{2}|[3-9]\d{3})(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"-[0-9A-F]{12}-[0-9A-F]{2}",
    re.ASCII,
)
_REFERENCE = re.compile(r"\d{8}-[0-9A-Z]{2}-[0-9A-F]{10}-[0-9A-F]{10}-[0-9A-F]{2}", re.ASCII)
_NIP = re.compile(r"[1-9](?:\d[1-9]|[1-9]\d)\d{7}", re.ASCII)
_NIP_WEIGHTS = (6, 5, 7, 2, 3, 4, 5, 6, 7)
_SHA256_SIZE = 32


def _crc8_of_byte(register: int) -> int:
    for _ in range(8):
        register = (register << 1) ^ 0x07 if register & 0x80 else register << 1
    return register & 0xFF


_CRC8 = bytes(_crc8_of_byte(byte) for byte in range(256))


def crc8(text: str) -> str:
    """CRC-8 (polynomial 07, start 00, nothing reflected) of ASCII text, as two upper-case hex digits."""
    register = 0
    for byte in text.encode("ascii"):
        register = _CRC8[register ^ byte]
    return f"{register:02X}"


def is_ksef_number(text: str) -> bool:
    """Whether this is a 35-character KSeF number whose last two digits check the rest.

    The 36-character form of KSeF 1.0 is not one.
    """
    return bool(_KSEF_NUMBER.fullmatch(text)) and crc8(text[:32]) == text[33:]


def is_reference_number(text: str) -> bool:
    """Whether this has the shape of a reference number (``20250626-SO-2F14610000-242991F8C9-B4``).

    Its last two digits are not checked: KSeF never promised that they are a checksum.
    """
    return bool(_REFERENCE.fullmatch(text))


def is_nip(text: str) -> bool:
    """Whether these are ten digits of a tax number with the right last digit."""
    if not _NIP.fullmatch(text):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_NIP_WEIGHTS, text, strict=False))
    return total % 11 == int(text[9])


def sha256_base64(content: bytes) -> str:
    """SHA-256 as KSeF writes it: standard Base64 with padding, 44 characters."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")


def hash_to_hex(sha256: str) -> str:
    """KSeF's Base64 form to 64 lower-case hex digits. Raises ValueError if it is no SHA-256."""
    try:
        digest = base64.b64decode(sha256, validate=True)
    except ValueError as err:
        raise ValueError("not a SHA-256 in Base64") from err
    if len(digest) != _SHA256_SIZE:
        raise ValueError("not a SHA-256 in Base64")
    return digest.hex()


def hash_from_hex(sha256: str) -> str:
    """64 hex digits to KSeF's Base64 form. Raises ValueError if it is no SHA-256."""
    digest = bytes.fromhex(sha256)
    if len(digest) != _SHA256_SIZE:
        raise ValueError("not a SHA-256 in hex")
    return base64.b64encode(digest).decode("ascii")
