"""tracker's settings: ``KSEF_TRACKER__<OPTION>``."""

from pydantic import Field

from runtime.settings import Section, Settings


class TrackerOptions(Section):
    pending_limit_seconds: float = Field(default=3600, gt=0)
    """A pending document without a new step for so long is reported by the coherence auditor."""


class TrackerSettings(Settings):
    tracker: TrackerOptions = TrackerOptions()
