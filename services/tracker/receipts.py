"""The receipt (UPO) as an ERP gets it."""

from datetime import datetime, timedelta

from contracts.content import INLINE_LIMIT_BYTES, Content, inline
from runtime import clock
from runtime.errors import CourierError
from runtime.payload import PayloadDamaged, PayloadMissing, PayloadStore

PATIENCE = timedelta(days=1)
"""So long a receipt is waited for; an older one goes by reference, lest others wait behind it."""


class ReceiptNotThere(CourierError):
    """The receipt's bytes are not in the store, or not again yet after a restore."""


async def receipt_of(
    upo: Content | None, payloads: PayloadStore, *, told_at: datetime | None = None
) -> Content | None:
    """By value, unless it is unusually large. Raises :class:`ReceiptNotThere` and ``PayloadDamaged``."""
    if upo is None or upo.size_bytes > INLINE_LIMIT_BYTES:
        return upo
    try:
        return inline(await payloads.read(upo))
    except PayloadDamaged:
        raise
    except PayloadMissing as error:
        if told_at is not None and clock.now() - told_at > PATIENCE:
            return upo
        raise ReceiptNotThere(str(error)) from error
