"""What an installation is: the profile it imitates, and how long it takes to answer for things.

Both are plain values given at start; delays may be replaced while it runs (the admin port does).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from random import Random

MEGABYTE = 1_000_000


class Profile(StrEnum):
    """The environment imitated: what it enforces differs, its addresses do not."""

    TEST = "test"
    DEMO = "demo"
    PRODUCTION = "production"


_RECEIVERS: Mapping[Profile, str] = {
    Profile.TEST: "Ministerstwo Finansów - środowisko testowe (TE)",
    Profile.DEMO: "Ministerstwo Finansów - środowisko przedprodukcyjne (TR)",
    Profile.PRODUCTION: "Ministerstwo Finansów",
}
_ISSUERS: Mapping[Profile, str] = {
    Profile.TEST: "ksef-api-te",
    Profile.DEMO: "ksef-api-tr",
    Profile.PRODUCTION: "ksef-api-prd",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules that differ between environments and seeds; numbers of API 2.9.0, session limits."""

    profile: Profile = Profile.TEST
    open_world: bool = False
    """Whether companies that the seed does not name may get tokens."""
    session_lasts: timedelta = timedelta(hours=12)
    max_invoices: int = 10_000
    max_invoice_megabytes: int = 1
    max_invoice_with_attachment_megabytes: int = 3

    @property
    def checks_identifiers(self) -> bool:
        """NIP checksums are enforced in production only; a session may ask for it elsewhere."""
        return self.profile is Profile.PRODUCTION

    @property
    def refuses_discouraged_characters(self) -> bool:
        """Enforced on test and demo; production has only warned so far."""
        return self.profile is not Profile.PRODUCTION

    @property
    def receiver_name(self) -> str:
        return _RECEIVERS[self.profile]

    @property
    def issuer(self) -> str:
        return _ISSUERS[self.profile]

    @property
    def max_invoice_bytes(self) -> int:
        return self.max_invoice_megabytes * MEGABYTE

    @property
    def max_invoice_with_attachment_bytes(self) -> int:
        return self.max_invoice_with_attachment_megabytes * MEGABYTE


@dataclass(frozen=True, slots=True)
class Span:
    """A duration drawn evenly between two bounds, in seconds."""

    least: float
    most: float

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise ValueError(f"delay [{self.least}, {self.most}]: expected 0 <= least <= most, in seconds")

    def draw(self, rng: Random) -> timedelta:
        return timedelta(seconds=rng.uniform(self.least, self.most))


@dataclass(frozen=True, slots=True)
class Delays:
    """How long KSeF takes, each drawn anew; what has begun keeps the delay it began with."""

    login: Span = Span(0.02, 0.1)
    """A login stays at 100."""
    verdict: Span = Span(0.05, 0.3)
    """An invoice stays at 150."""
    storage: Span = Span(0.0, 0.2)
    """An accepted invoice has no permanentStorageDate yet."""
    closing: Span = Span(0.05, 0.3)
    """A closed session stays at 170, at least."""
    key_check: Span = Span(0.05, 0.3)
    """A session whose key cannot be decrypted stays at 100."""

    def changed(self, seconds: Mapping[str, tuple[float, float]]) -> "Delays":
        """With the named spans replaced. Raises ``ValueError`` for an unknown name or an impossible span."""
        known = {field.name for field in fields(self)}
        unknown = sorted(seconds.keys() - known)
        if unknown:
            raise ValueError(f"unknown delay {unknown[0]!r}: expected one of {', '.join(sorted(known))}")
        return replace(self, **{name: Span(*span) for name, span in seconds.items()})


NO_DELAYS = Delays(*(Span(0, 0),) * 5)
