"""The operations this client calls, in one table (KSeF API 2.9; paths are relative to ``…/v2``).

Invariant: the client repeats a call by itself only if its row says ``WhenLost.REPEAT``. A call that KSeF
provably did not process (401, or 21470 for a withdrawn public key) may be replayed once after the cure.
"""

import re
from dataclasses import dataclass
from enum import Enum, StrEnum


class Auth(Enum):
    """Which JWT a route wants as bearer."""

    NONE = "none"
    OPERATION = "authenticationToken"
    REFRESH = "refreshToken"
    ACCESS = "accessToken"


class WhenLost(Enum):
    """What a lost answer (timeout, reset, 5xx) means."""

    REPEAT = "repeat"
    """The same request again changes nothing."""
    START_OVER = "start over"
    """Whatever was left behind is harmless; the caller begins the procedure again: TransientError."""
    LOOK_UP = "look up"
    """The effect matters and may have happened: AmbiguousResult."""


class RateGroup(StrEnum):
    """Groups of request limits, spelt as in ``GET /rate-limits``.

    KSeF counts per (context, client address) and group, over a sliding second, minute and hour.
    ``ANONYMOUS`` counts per address; ``OTHER`` has a counter of its own for each route.
    """

    ONLINE_SESSION = "onlineSession"
    ONLINE_SESSION_CLOSE = "onlineSessionClose"
    INVOICE_SEND = "invoiceSend"
    INVOICE_STATUS = "invoiceStatus"
    SESSION_LIST = "sessionList"
    SESSION_INVOICE_LIST = "sessionInvoiceList"
    SESSION_MISC = "sessionMisc"
    OTHER = "other"
    ANONYMOUS = "anonymous"


_PATH_VALUE = re.compile(r"[0-9A-Za-z-]{1,64}")


def is_path_value(text: str) -> bool:
    """Whether this may stand in a path, as reference and KSeF numbers do, and lead to no other route."""
    return bool(_PATH_VALUE.fullmatch(text))


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. ``name`` is the label of metrics, spans and errors."""

    name: str
    method: str
    template: str
    auth: Auth
    group: RateGroup
    when_lost: WhenLost

    def path(self, *values: str) -> str:
        """The path with its placeholders filled in order. Raises ValueError for what is no path value."""
        for value in values:
            if not is_path_value(value):
                raise ValueError(f"{self.name}: {value[:80]!r} is no reference number")
        return self.template.format(*values)


CHALLENGE = Route(
    "auth_challenge", "POST", "/auth/challenge", Auth.NONE, RateGroup.ANONYMOUS, WhenLost.REPEAT
)
# A challenge is good for one attempt, so a lost answer costs a new challenge.
TOKEN_LOGIN = Route(
    "auth_ksef_token", "POST", "/auth/ksef-token", Auth.NONE, RateGroup.ANONYMOUS, WhenLost.START_OVER
)
LOGIN_STATUS = Route("auth_status", "GET", "/auth/{}", Auth.OPERATION, RateGroup.ANONYMOUS, WhenLost.REPEAT)
# Works once: if the answer is lost, so are the tokens.
REDEEM = Route(
    "auth_redeem", "POST", "/auth/token/redeem", Auth.OPERATION, RateGroup.ANONYMOUS, WhenLost.START_OVER
)
REFRESH = Route(
    "auth_refresh", "POST", "/auth/token/refresh", Auth.REFRESH, RateGroup.ANONYMOUS, WhenLost.REPEAT
)
PUBLIC_KEYS = Route(
    "public_keys",
    "GET",
    "/security/public-key-certificates",
    Auth.NONE,
    RateGroup.ANONYMOUS,
    WhenLost.REPEAT,
)
# A session nobody knows stays empty and ends by itself after 12 h; it costs one call of the group's budget.
OPEN_ONLINE_SESSION = Route(
    "open_online_session",
    "POST",
    "/sessions/online",
    Auth.ACCESS,
    RateGroup.ONLINE_SESSION,
    WhenLost.START_OVER,
)
SEND_INVOICE = Route(
    "send_invoice",
    "POST",
    "/sessions/online/{}/invoices",
    Auth.ACCESS,
    RateGroup.INVOICE_SEND,
    WhenLost.LOOK_UP,
)
CLOSE_ONLINE_SESSION = Route(
    "close_online_session",
    "POST",
    "/sessions/online/{}/close",
    Auth.ACCESS,
    RateGroup.ONLINE_SESSION_CLOSE,
    WhenLost.LOOK_UP,
)
SESSIONS = Route("sessions", "GET", "/sessions", Auth.ACCESS, RateGroup.SESSION_LIST, WhenLost.REPEAT)
SESSION_STATUS = Route(
    "session_status", "GET", "/sessions/{}", Auth.ACCESS, RateGroup.SESSION_MISC, WhenLost.REPEAT
)
SESSION_INVOICES = Route(
    "session_invoices",
    "GET",
    "/sessions/{}/invoices",
    Auth.ACCESS,
    RateGroup.SESSION_INVOICE_LIST,
    WhenLost.REPEAT,
)
INVOICE_STATUS = Route(
    "invoice_status",
    "GET",
    "/sessions/{}/invoices/{}",
    Auth.ACCESS,
    RateGroup.INVOICE_STATUS,
    WhenLost.REPEAT,
)
INVOICE_UPO = Route(
    "invoice_upo",
    "GET",
    "/sessions/{}/invoices/{}/upo",
    Auth.ACCESS,
    RateGroup.SESSION_MISC,
    WhenLost.REPEAT,
)
UPO_BY_KSEF_NUMBER = Route(
    "upo_by_ksef_number",
    "GET",
    "/sessions/{}/invoices/ksef/{}/upo",
    Auth.ACCESS,
    RateGroup.SESSION_MISC,
    WhenLost.REPEAT,
)
CONTEXT_LIMITS = Route(
    "context_limits", "GET", "/limits/context", Auth.ACCESS, RateGroup.OTHER, WhenLost.REPEAT
)
RATE_LIMITS = Route("rate_limits", "GET", "/rate-limits", Auth.ACCESS, RateGroup.OTHER, WhenLost.REPEAT)

ROUTES = (
    CHALLENGE,
    TOKEN_LOGIN,
    LOGIN_STATUS,
    REDEEM,
    REFRESH,
    PUBLIC_KEYS,
    OPEN_ONLINE_SESSION,
    SEND_INVOICE,
    CLOSE_ONLINE_SESSION,
    SESSIONS,
    SESSION_STATUS,
    SESSION_INVOICES,
    INVOICE_STATUS,
    INVOICE_UPO,
    UPO_BY_KSEF_NUMBER,
    CONTEXT_LIMITS,
    RATE_LIMITS,
)
"""Every route of this client, each exactly once."""
