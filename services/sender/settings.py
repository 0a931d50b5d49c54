"""sender's settings: ``KSEF_SENDER__<OPTION>`` and ``KSEF_API__<OPTION>``."""

from pydantic import Field, HttpUrl

from runtime.settings import Section, Settings


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


class SenderSettings(Settings):
    api: ApiSettings = ApiSettings()
    sender: SenderOptions = SenderOptions()
