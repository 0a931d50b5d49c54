"""``python -m services.tracker``"""

from runtime.app import main
from services.tracker.app import serve
from services.tracker.settings import TrackerSettings

main("tracker", TrackerSettings.load, serve)
