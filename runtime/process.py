"""How a worker's process ends: exit codes, and a bound that nothing can outlast.

Codes are those of sysexits.h where it has one.
"""

import os
import threading

from runtime import log
from runtime.errors import ConfigurationError, InDoubt, TooManyDeadLetters

EXIT_FAILED = 1
EXIT_DEAD_LETTERS = 65  # EX_DATAERR: what is published does not fit this version
EXIT_IN_DOUBT = 75  # EX_TEMPFAIL: a new process reads again
EXIT_CONFIGURATION = 78  # EX_CONFIG: restarting will not help

END_SECONDS = 60.0
STUCK_END_SECONDS = 5.0

logger = log.get(__name__)


def exit_code(error: Exception) -> int:
    """The code that tells whoever restarts the process why it ended."""
    match error:
        case ConfigurationError():
            return EXIT_CONFIGURATION
        case TooManyDeadLetters():
            return EXIT_DEAD_LETTERS
        case InDoubt():
            return EXIT_IN_DOUBT
        case _:
            return EXIT_FAILED


def end_within(seconds: float, *, code: int) -> None:
    """From a thread of its own: what still hangs by then, in the event loop or beside it, is cut off."""

    def cut_off() -> None:
        logger.critical("worker_killed", by=f"its end took more than {seconds:g} s")
        os._exit(code)

    timer = threading.Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
