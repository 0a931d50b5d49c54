"""Text that must not leak: it shows itself only to ``reveal()``.

Invariant: no implicit way out. ``repr``, ``str``, formatting, ``vars``, pickling and copying give nothing.
"""

import hmac
from typing import NoReturn, Self, SupportsIndex

from ksef.routes import Auth


class Secret:
    """A secret text. Equal secrets compare equal, in constant time."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text or any(character.isspace() or not character.isprintable() for character in text):
            raise ValueError(
                f"{type(self).__name__}: empty, or with white space inside (a line end from its file?)"
            )
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the line that sends or stores it, nothing else."""
        return self._text

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: hidden>"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((type(self), self._text))

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is never pickled or copied: hand the object on, or reveal() it"
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class TokenCredential(Secret):
    """A KSeF token, ``<reference>|<context>|<64 hex>``: what lets software log in for a company.

    Exists for contexts of type ``Nip`` and ``InternalId``.
    """

    __slots__ = ()


class Bearer(Secret):
    """A JWT of KSeF, of one kind; a route accepts one kind only."""

    __slots__ = ("kind",)

    def __init__(self, text: str, *, kind: Auth) -> None:
        super().__init__(text)
        self.kind = kind
