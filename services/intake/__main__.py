"""``python -m services.intake``"""

from runtime.app import main
from runtime.settings import Settings
from services.intake.app import serve

main("intake", Settings.load, serve)
