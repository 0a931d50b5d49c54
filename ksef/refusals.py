"""Exception codes of a 400 that callers act upon, and what to do when a send was refused (KSeF API 2.9).

Codes are plain integers on the wire and new ones appear; a code without a name here is not an error.
"""

from collections.abc import Mapping
from enum import Enum, IntEnum

from ksef.errors import Refused


class ExceptionCode(IntEnum):
    """The part of KSeF's catalogue that the online path can meet."""

    UNREADABLE_CONTENT = 21001
    BAD_CHALLENGE = 21111
    SESSION_FULL = 21155
    SESSION_UNKNOWN = 21173
    NO_UPO = 21178
    """There is no such UPO, or not yet."""
    SESSION_STATE = 21180
    """The session's state forbids the operation, e.g. it is closed already."""
    SESSION_MAINTENANCE = 21184
    NOT_AUTHORISED = 21301
    """Tokens redeemed before, or the authentication was revoked."""
    LOGIN_UNKNOWN = 21304
    HOLDER_DECEASED = 21308
    SIZE_MISMATCH = 21402
    HASH_MISMATCH = 21403
    INVALID_INPUT = 21405
    BAD_CONTINUATION_TOKEN = 21418
    PUBLIC_KEY_WITHDRAWN = 21470


class SendRemedy(Enum):
    """What makes a refused send work. The invoice was not processed in any of these cases."""

    NEW_SESSION = "open another session and send the same bytes there"
    """Exception: 21173 for a session opened seconds ago may mean that it is not visible yet; wait once."""
    WAIT = "send the same bytes later, in this session or a new one"
    FIX_CLIENT = "the request itself is wrong: a defect of the software, repeating cannot help"
    UNKNOWN = "a code without a rule: keep the invoice and ask a person"


_SEND_REMEDIES: Mapping[int, SendRemedy] = {
    ExceptionCode.SESSION_FULL: SendRemedy.NEW_SESSION,
    ExceptionCode.SESSION_UNKNOWN: SendRemedy.NEW_SESSION,
    ExceptionCode.SESSION_STATE: SendRemedy.NEW_SESSION,
    ExceptionCode.SESSION_MAINTENANCE: SendRemedy.WAIT,
    ExceptionCode.UNREADABLE_CONTENT: SendRemedy.FIX_CLIENT,
    ExceptionCode.SIZE_MISMATCH: SendRemedy.FIX_CLIENT,
    ExceptionCode.HASH_MISMATCH: SendRemedy.FIX_CLIENT,
    ExceptionCode.INVALID_INPUT: SendRemedy.FIX_CLIENT,
}


def remedy_for_send(refused: Refused) -> SendRemedy:
    """The remedy for the first code that has one, in KSeF's order; UNKNOWN without any."""
    for problem in refused.problems:
        remedy = _SEND_REMEDIES.get(problem.code)
        if remedy is not None:
            return remedy
    return SendRemedy.UNKNOWN
