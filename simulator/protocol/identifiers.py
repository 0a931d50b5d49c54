"""Numbers that KSeF makes or checks: references, KSeF numbers, their CRC-8, the NIP checksum.

Randomness and time are the caller's, so a seed and a clock give the same numbers again.
"""

from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import Literal

ReferenceKind = Literal["AU", "CR", "EC", "EE", "SO"]
"""AU login, CR challenge, EC KSeF token, EE invoice in a session, SO online session."""

_CRC_POLYNOMIAL = 0x07
_NIP_WEIGHTS = (6, 5, 7, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A context or an authenticating subject: its type and value, e.g. ``Nip 5265877635``."""

    type: str
    value: str

    def __str__(self) -> str:
        return f"{self.type} {self.value}"


def _crc_table() -> tuple[int, ...]:
    def remainder(byte: int) -> int:
        for _ in range(8):
            byte = (byte << 1) ^ _CRC_POLYNOMIAL if byte & 0x80 else byte << 1
        return byte & 0xFF

    return tuple(remainder(byte) for byte in range(256))


_CRC = _crc_table()


def crc8(text: str) -> str:
    """CRC-8 (polynomial 0x07, start 0, nothing reflected) of ASCII text as two upper-case hex digits."""
    register = 0
    for byte in text.encode("ascii"):
        register = _CRC[register ^ byte]
    return f"{register:02X}"


def new_reference(kind: ReferenceKind, *, now: datetime, rng: Random) -> str:
    """A 36-character reference number; its last two digits are the CRC-8 of the first 33 characters.

    The first half tells the time (milliseconds), as KSeF's seem to, so references sort by age.
    """
    ticks = int(now.timestamp() * 1000) & 0xFFFFFFFFFF
    body = f"{now:%Y%m%d}-{kind}-{ticks:010X}-{rng.getrandbits(40):010X}"
    return f"{body}-{crc8(body)}"


def ksef_number(*, seller_nip: str, day: date, ordinal: int, rng: Random) -> str:
    """The 35-character KSeF number of the ``ordinal``-th invoice this installation has judged.

    Half of the technical part counts, half is random: unique for 16 million invoices of a seller and day.
    """
    body = f"{seller_nip}-{day:%Y%m%d}-{ordinal & 0xFFFFFF:06X}{rng.getrandbits(24):06X}"
    return f"{body}-{crc8(body)}"


def nip_checksum_holds(nip: str) -> bool:
    """Whether the tenth digit is the weighted sum of the first nine modulo 11; ``nip`` has ten digits."""
    digits = [int(character) for character in nip]
    return sum(w * d for w, d in zip(_NIP_WEIGHTS, digits, strict=False)) % 11 == digits[9]
