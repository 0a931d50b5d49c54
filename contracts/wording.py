"""Words that are said in both languages of this system.

Invariant: neither language stands without the other; both are given where the words are made.
"""

from typing import NamedTuple


class Wording(NamedTuple):
    """The same words in English and in Polish."""

    en: str
    pl: str
