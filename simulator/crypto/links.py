"""Presigned links: whoever holds the address may read, until it expires; no token is wanted.

The query has the shape of a storage account's shared access signature (KSeF hands out such links).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

LINK_LIFETIME = timedelta(days=3)

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def presigned(path: str, *, origin: str, secret: bytes, now: datetime) -> tuple[str, datetime]:
    """A link to ``path`` valid for three days from now, and its expiry (whole seconds)."""
    expires = (now + LINK_LIFETIME).replace(microsecond=0)
    starts = now - timedelta(minutes=5)
    query = {
        "sv": "2025-01-05",
        "st": starts.astimezone(UTC).strftime(_TIME_FORMAT),
        "se": expires.astimezone(UTC).strftime(_TIME_FORMAT),
        "sr": "b",
        "sp": "r",
    }
    signature = _signature(path, query, secret=secret)
    return f"{origin}{quote(path)}?{urlencode({**query, 'sig': signature})}", expires


def link_is_good(path: str, query: Mapping[str, str], *, secret: bytes, now: datetime) -> bool:
    """Whether a link's signature is ours for this very path and its time has not passed."""
    signed = {name: query.get(name, "") for name in ("sv", "st", "se", "sr", "sp")}
    expected = _signature(path, signed, secret=secret)
    if not hmac.compare_digest(query.get("sig", "").encode(), expected.encode()):
        return False
    return now < datetime.strptime(signed["se"], _TIME_FORMAT).replace(tzinfo=UTC)


def _signature(path: str, query: Mapping[str, str], *, secret: bytes) -> str:
    text = "\n".join((path, *query.values()))
    return base64.b64encode(hmac.digest(secret, text.encode(), hashlib.sha256)).decode()
