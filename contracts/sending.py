"""What the sender says about itself rather than about one document."""

from typing import Annotated

from pydantic import StringConstraints

from contracts.base import Message, UtcDateTime

ContextKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+:\S+$")]
"""A KSeF context as ``<type>:<value>``, e.g. ``Nip:5265877635``."""


class ContextAdvanced(Message):
    """How far sending for a context has got, kept outside the database.

    Published, and confirmed by Kafka, after a claim is durable and before its first POST. A database whose
    own count is smaller was restored from a copy that is older than what was sent.
    """

    context_key: ContextKey
    claims: int
    """How many batches were ever claimed for this context; grows by one each time."""
    fence: int
    at: UtcDateTime


class SendingSwitched(Message):
    """A person stopped the sending of a part of the installation, or let it go on."""

    scope: str
    """``all``, ``context:<type>:<value>`` or ``company:<NIP>``."""
    paused: bool
    by: str
    reason: str | None = None
    at: UtcDateTime
