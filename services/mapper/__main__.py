"""``python -m services.mapper``"""

from runtime.app import main
from runtime.settings import Settings
from services.mapper.app import serve

main("mapper", Settings.load, serve)
