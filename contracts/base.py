"""What every message has in common: frozen, tolerant of tomorrow's fields, strict about time."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a point in time needs an offset, e.g. 2026-11-20T09:15:00Z")
    return value.astimezone(UTC)


UtcDateTime = Annotated[datetime, AfterValidator(_utc)]
"""An aware point in time, kept in UTC. Fields of this type are named ``…_at``."""

Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in lower-case hex: the form of every hash of ours (KSeF's own are Base64)."""

Nip = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{9}$")]
"""A Polish tax number: ten digits. The checksum is a business rule, not a matter of form."""

SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
"""One ERP installation, as it stands in its topic names: ``erp.<source>.sales.v1``."""


class Message(BaseModel):
    """A fact or a part of one. Unknown fields are ignored: within a major version fields are only added."""

    model_config = ConfigDict(frozen=True, extra="ignore")
