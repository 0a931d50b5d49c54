"""``python -m services.validator``"""

from runtime.app import main
from runtime.settings import Settings
from services.validator.app import serve

main("validator", Settings.load, serve)
