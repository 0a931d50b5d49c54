"""KSeF tokens: their text, and making them.

The text is ``<reference>|nip-<NIP>|<64 hex digits>`` (or ``internalId-…``). It is handed over once; the
store keeps a digest.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from random import Random

from simulator.protocol.identifiers import Identifier, new_reference
from simulator.store.rows import KsefToken

PERMISSIONS = (
    "InvoiceRead",
    "InvoiceWrite",
    "CredentialsRead",
    "CredentialsManage",
    "SubunitManage",
    "EnforcementOperations",
    "Introspection",
    "CollectiveIdentifierManage",
)
"""What a token may carry (API 2.9.0, ``POST /tokens``)."""

_CONTEXT_PREFIXES = {"nip": "Nip", "internalId": "InternalId"}
_TEXT = re.compile(
    r"([0-9]{8}-EC-[0-9A-F]{10}-[0-9A-F]{10}-[0-9A-F]{2})\|(nip|internalId)-([0-9-]{10,16})\|[0-9a-f]{64}"
)


def token_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def mint_token(
    context: Identifier,
    *,
    subject: Identifier,
    permissions: Sequence[str],
    now: datetime,
    rng: Random,
) -> tuple[KsefToken, str]:
    """A new token and its text; ``context`` is a Nip or an InternalId."""
    prefix = next(prefix for prefix, kind in _CONTEXT_PREFIXES.items() if kind == context.type)
    reference = new_reference("EC", now=now, rng=rng)
    text = f"{reference}|{prefix}-{context.value}|{rng.getrandbits(256):064x}"
    return token_with_text(text, subject=subject, permissions=permissions), text


def token_with_text(text: str, *, subject: Identifier | None, permissions: Sequence[str]) -> KsefToken:
    """The token that a text names; its subject is the context itself when none is given.

    Raises ``ValueError`` for a text of another form or an unknown permission; the text is not quoted.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError("a token reads <36-character -EC- reference>|nip-<NIP>|<64 hex digits>")
    unknown = sorted(set(permissions) - set(PERMISSIONS))
    if unknown:
        raise ValueError(f"unknown permission {unknown[0]!r}: expected any of {', '.join(PERMISSIONS)}")
    reference, prefix, value = match.groups()
    context = Identifier(_CONTEXT_PREFIXES[prefix], value)
    return KsefToken(
        reference=reference,
        digest=token_digest(text),
        context=context,
        subject=context if subject is None else subject,
        permissions=tuple(permissions),
    )
