"""Bytes in a message: by value when small, by claim check when large.

Either way the receiver knows their SHA-256 before it looks at them, and verifies it.
"""

import base64
import hashlib
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from contracts.base import Message, Sha256Hex

INLINE_LIMIT_BYTES = 256 * 1024
"""Up to this size bytes travel in the message; above it they wait in the payload store."""


class InlineContent(Message):
    """Bytes by value. ``utf-8`` keeps text readable and small; anything else travels as Base64."""

    kind: Literal["inline"] = "inline"
    """The bytes are here."""
    sha256: Sha256Hex
    """SHA-256 of the bytes, in hex."""
    size_bytes: int = Field(ge=0)
    """How many bytes."""
    encoding: Literal["utf-8", "base64"]
    """How ``data`` holds them."""
    data: str
    """The bytes."""

    def to_bytes(self) -> bytes:
        """The bytes. Raises ``ValueError`` when they do not match their hash."""
        raw = self.data.encode() if self.encoding == "utf-8" else base64.b64decode(self.data, validate=True)
        if hashlib.sha256(raw).hexdigest() != self.sha256:
            raise ValueError(f"inline content does not match its SHA-256 {self.sha256}")
        return raw


class StoredContent(Message):
    """A claim check: the bytes are in the payload store under (month, SHA-256)."""

    kind: Literal["stored"] = "stored"
    """The bytes are kept by us."""
    sha256: Sha256Hex
    """SHA-256 of the bytes, in hex."""
    size_bytes: int = Field(ge=0)
    """How many bytes."""
    stored_on: date
    """First day of the month whose partition holds the bytes."""


Content = Annotated[InlineContent | StoredContent, Field(discriminator="kind")]


def inline(raw: bytes) -> InlineContent:
    """``raw`` by value, whatever its size."""
    sha256 = hashlib.sha256(raw).hexdigest()
    try:
        return InlineContent(sha256=sha256, size_bytes=len(raw), encoding="utf-8", data=raw.decode())
    except UnicodeDecodeError:
        text = base64.b64encode(raw).decode()
        return InlineContent(sha256=sha256, size_bytes=len(raw), encoding="base64", data=text)
