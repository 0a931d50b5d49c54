"""sender's settings: ``KSEF_SENDER__<OPTION>`` and ``KSEF_API__<OPTION>``."""

from typing import Self

from pydantic import Field, HttpUrl, model_validator

from runtime.settings import Section, Settings

CALL_MARGIN = 1.2
"""A lease must outlive a call by this factor: the answer has to be recorded under it."""


class ApiSettings(Section):
    """Where KSeF is. Without ``base_url`` it is the ministry's address of the environment."""

    base_url: HttpUrl | None = None
    connect_seconds: float = Field(default=5, gt=0)
    total_seconds: float = Field(default=10, gt=0)
    """Bound of one call. The lease must outlive it: see ``lease_seconds``."""


class SenderOptions(Section):
    lease_seconds: float = Field(default=30, gt=0)
    """How long a killed sender's companies wait for another one."""
    session_idle_seconds: float = Field(default=60, ge=0)
    """An online session without work is closed after so long."""
    absence_quiet_seconds: float = Field(default=60, ge=0)
    """How long after a session's close its list is believed to be complete; KSeF promises no time."""
    max_attempts: int = Field(default=5, ge=1)
    """Posts of one document, each after KSeF's own word that the one before failed."""
    batch: int = Field(default=20, ge=1, le=500)
    """Documents claimed at a time."""
    concurrency: int = Field(default=50, ge=1)
    """Companies one process sends for at the same time."""
    in_doubt_limit_seconds: float = Field(default=900, gt=0)
    """From here on the coherence auditor reports what KSeF may or may not have."""
    verdict_limit_seconds: float = Field(default=3600, gt=0)
    """From here on it reports what was sent and has no verdict."""
    receipt_limit_seconds: float = Field(default=86400, gt=0)
    """From here on it reports what was issued and has no receipt."""
    ready_limit_seconds: float = Field(default=600, gt=0)
    """From here on it reports companies whose documents nobody sends."""


class SenderSettings(Settings):
    api: ApiSettings = ApiSettings()
    sender: SenderOptions = SenderOptions()

    @model_validator(mode="after")
    def _a_lease_outlives_a_call(self) -> Self:
        # A lease is renewed when a third of it is gone; what is left then must hold a whole call.
        surely_left = self.sender.lease_seconds * 2 / 3
        if self.api.total_seconds * CALL_MARGIN >= surely_left:
            raise ValueError(
                f"KSEF_API__TOTAL_SECONDS is too long for KSEF_SENDER__LEASE_SECONDS: a call of "
                f"{self.api.total_seconds:g} s needs a lease of more than "
                f"{self.api.total_seconds * CALL_MARGIN * 1.5:g} s"
            )
        return self
