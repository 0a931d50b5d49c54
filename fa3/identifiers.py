"""Check digits of the identifiers that an invoice carries.

Invariant: a checksum says that a number was typed wrongly, never that it belongs to anybody.
"""

from typing import Final

_NIP_WEIGHTS: Final = (6, 5, 7, 2, 3, 4, 5, 6, 7)


def is_nip(text: str) -> bool:
    """Whether the text is ten ASCII digits, the last of them right (sum modulo 11; 10 is never issued)."""
    if len(text) != 10 or not (text.isascii() and text.isdigit()):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_NIP_WEIGHTS, text[:9], strict=True))
    return total % 11 == int(text[9])
