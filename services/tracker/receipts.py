"""The receipt (UPO) as an ERP gets it."""

from contracts.content import INLINE_LIMIT_BYTES, Content, inline
from runtime.payload import PayloadStore


async def receipt_of(upo: Content | None, payloads: PayloadStore) -> Content | None:
    """By value, unless it is unusually large. Raises :class:`runtime.payload.PayloadMissing`."""
    if upo is None or upo.size_bytes > INLINE_LIMIT_BYTES:
        return upo
    return inline(await payloads.read(upo))
