"""Naglowek: which form this is, when the document was made, and by what.

Invariant: the software is named without a version, so that an upgrade never changes a document's bytes.
"""

from datetime import UTC, datetime

_FORM = (
    '<KodFormularza kodSystemowy="FA (3)" wersjaSchemy="1-0E">FA</KodFormularza>'
    "<WariantFormularza>3</WariantFormularza>"
)


def written(created_at: datetime) -> str:
    """Naglowek; the moment in whole seconds with ``Z``, the one form on which all validators agree."""
    moment = created_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    return (
        f"<Naglowek>{_FORM}<DataWytworzeniaFa>{moment}Z</DataWytworzeniaFa>"
        "<SystemInfo>ksef-courier</SystemInfo></Naglowek>"
    )
