"""The coherence checks of all services, with the limits that hold unless settings say otherwise."""

from collections.abc import Mapping, Sequence

from runtime.coherence import Check
from services.intake import coherence as intake
from services.sender import coherence as sender
from services.sender.settings import SenderOptions
from services.tracker import coherence as tracker
from services.tracker.settings import TrackerOptions
from services.validator import coherence as validator

CHECKS: Mapping[str, Sequence[Check]] = {
    "intake": intake.checks(),
    "validator": validator.checks(),
    "sender": sender.checks(SenderOptions()),
    "tracker": tracker.checks(TrackerOptions()),
}
