"""``python -m services.sender``"""

from runtime.app import main
from services.sender.app import serve
from services.sender.settings import SenderSettings

main("sender", SenderSettings.load, serve)
