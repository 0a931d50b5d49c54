"""The one table of operations: what exists, who may call it, what it counts against. KSeF API 2.9.0.

Adding an operation is adding a row; matching, authentication, limits, permissions and faults follow from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import TypeAlias

from simulator.operations import access, limits, results, session_list, sessions
from simulator.operations.call import Call
from simulator.operations.sending import send_invoice
from simulator.wire import Response

Handler: TypeAlias = Callable[[Call], Response]


class Bearer(Enum):
    """The token an operation wants; the values are the JWT types that are good for it."""

    NOBODY = ()
    LINK = ("link",)
    """The address itself is signed; outside all limits."""
    LOGIN = ("AuthenticationToken",)
    REFRESH = ("RefreshToken",)
    ACCESS = ("ContextToken",)
    ACCESS_OR_REFRESH = ("ContextToken", "RefreshToken")


@dataclass(frozen=True, slots=True)
class Operation:
    """``permissions``: any one is enough, none means no particular one; ``group``: a limit of `rates`."""

    name: str
    method: str
    path: str
    bearer: Bearer
    group: str
    handler: Handler
    permissions: tuple[str, ...] = ()
    test_only: bool = False
    kept: timedelta | None = None
    """How long the status it shows is kept: asked later, even with an expired token, it is 410."""


_SEND = ("InvoiceWrite", "PefInvoiceWrite", "EnforcementOperations")
_SEE = ("InvoiceWrite", "Introspection", "PefInvoiceWrite", "EnforcementOperations")
_LIST = ("InvoiceWrite", "Introspection", "EnforcementOperations")


def _public(method: str, path: str, handler: Handler, *, bearer: Bearer = Bearer.NOBODY) -> Operation:
    return Operation(handler.__name__, method, path, bearer, "anonymous", handler)


def _protected(
    method: str,
    path: str,
    handler: Handler,
    *,
    group: str = "other",
    permissions: tuple[str, ...] = (),
    bearer: Bearer = Bearer.ACCESS,
) -> Operation:
    return Operation(handler.__name__, method, path, bearer, group, handler, permissions)


def _test_data(method: str, path: str, handler: Handler) -> Operation:
    return Operation(handler.__name__, method, path, Bearer.ACCESS, "other", handler, test_only=True)


OPERATIONS: Sequence[Operation] = (
    _public("GET", "/v2/security/public-key-certificates", access.list_public_keys),
    _public("POST", "/v2/auth/challenge", access.issue_challenge),
    _public("POST", "/v2/auth/ksef-token", access.start_token_login),
    replace(
        _public("GET", "/v2/auth/{referenceNumber}", access.get_login, bearer=Bearer.LOGIN),
        kept=access.LOGIN_KEPT,
    ),
    _public("POST", "/v2/auth/token/redeem", access.redeem_tokens, bearer=Bearer.LOGIN),
    _public("POST", "/v2/auth/token/refresh", access.refresh_token, bearer=Bearer.REFRESH),
    _protected(
        "DELETE",
        "/v2/auth/sessions/current",
        access.revoke_current_login,
        bearer=Bearer.ACCESS_OR_REFRESH,
    ),
    _protected(
        "POST",
        "/v2/sessions/online",
        sessions.open_online_session,
        group="onlineSession",
        permissions=_SEND,
    ),
    _protected(
        "POST",
        "/v2/sessions/online/{referenceNumber}/invoices",
        send_invoice,
        group="invoiceSend",
        permissions=_SEND,
    ),
    _protected(
        "POST",
        "/v2/sessions/online/{referenceNumber}/close",
        sessions.close_online_session,
        group="onlineSessionClose",
        permissions=_SEND,
    ),
    _protected(
        "GET",
        "/v2/sessions",
        session_list.list_sessions,
        group="sessionList",
        permissions=_LIST,
    ),
    _protected(
        "GET",
        "/v2/sessions/{referenceNumber}",
        sessions.get_session,
        group="sessionMisc",
        permissions=_SEE,
    ),
    _protected(
        "GET",
        "/v2/sessions/{referenceNumber}/invoices",
        results.list_session_invoices,
        group="sessionInvoiceList",
        permissions=_SEE,
    ),
    _protected(
        "GET",
        "/v2/sessions/{referenceNumber}/invoices/failed",
        results.list_failed_invoices,
        group="sessionInvoiceList",
        permissions=_SEE,
    ),
    _protected(
        "GET",
        "/v2/sessions/{referenceNumber}/invoices/{invoiceReferenceNumber}",
        results.get_invoice,
        group="invoiceStatus",
        permissions=_SEE,
    ),
    _protected(
        "GET",
        "/v2/sessions/{referenceNumber}/invoices/{invoiceReferenceNumber}/upo",
        results.get_invoice_upo,
        group="sessionMisc",
        permissions=_SEE,
    ),
    _protected(
        "GET",
        "/v2/sessions/{referenceNumber}/invoices/ksef/{ksefNumber}/upo",
        results.get_upo_by_ksef_number,
        group="sessionMisc",
        permissions=_SEE,
    ),
    _protected("GET", "/v2/limits/context", limits.get_context_limits),
    _protected("GET", "/v2/rate-limits", limits.get_rate_limits),
    _test_data("POST", "/v2/testdata/rate-limits", limits.set_rate_limits),
    _test_data("DELETE", "/v2/testdata/rate-limits", limits.reset_rate_limits),
    _test_data("POST", "/v2/testdata/rate-limits/production", limits.set_production_rate_limits),
    _public(
        "GET",
        "/storage/01/{session}/invoice-upo/{file}",
        results.download_upo,
        bearer=Bearer.LINK,
    ),
)
