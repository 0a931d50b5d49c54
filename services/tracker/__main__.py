"""``python -m services.tracker``"""

from runtime.app import main
from runtime.settings import Settings
from services.tracker.app import serve

main("tracker", Settings.load, serve)
