"""From an HTTP answer to a value or an error. Pure; the one place that decides what a status means.

Invariant: for a route to be looked up when its answer is lost, the result is AmbiguousResult unless the
answer proves that the request was not processed.
"""

from typing import TypeVar

import msgspec

from ksef.errors import (
    AmbiguousResult,
    BrokenContract,
    KsefError,
    OperatorNeeded,
    RateLimited,
    Refused,
    TransientError,
    Unauthorized,
)
from ksef.http import HttpResponse
from ksef.problems import ErrorBody, read_error_body
from ksef.routes import Route, WhenLost, is_path_value

T = TypeVar("T")

RETRY_AFTER_FALLBACK_SECONDS = 60
"""Assumed for a 429 whose ``Retry-After`` is missing or no whole number."""

_REQUEST_TIMEOUT = 408


def read_answer(route: Route, response: HttpResponse, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode the body of a 2xx answer.

    A body that is not what the contract says raises BrokenContract, or AmbiguousResult where the effect
    has happened and only its receipt is unreadable.
    """
    try:
        return decoder.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise unreadable(route, response, str(err)) from err


def read_reference(route: Route, response: HttpResponse, text: str) -> str:
    """A reference number out of a 2xx answer, checked to be usable in later calls."""
    if not is_path_value(text):
        raise unreadable(route, response, "referenceNumber is no reference number")
    return text


def unreadable(route: Route, response: HttpResponse, why: str) -> KsefError:
    """The error for a 2xx answer outside the contract; ``why`` must not quote the body."""
    told = f"{response.status} with an unreadable answer ({_looks_like(response)}): {why}"
    if route.when_lost is WhenLost.LOOK_UP:
        return AmbiguousResult(f"{told}; look the result up", route=route.name, status=response.status)
    return BrokenContract(told, route=route.name, status=response.status)


def no_answer(route: Route, cause: str) -> KsefError:
    """The error for an answer lost on the way, timeouts included."""
    return _lost(route, f"answer lost ({cause})", status=None)


def not_sent(route: Route, cause: str) -> TransientError:
    """The error for a request that provably never left."""
    return TransientError(f"KSeF could not be reached ({cause}); nothing was sent", route=route.name)


def error_for(route: Route, response: HttpResponse) -> KsefError | None:
    """The error that an answer means; None for a 2xx."""
    status = response.status
    if 200 <= status < 300:
        return None
    if status in {401, 403, 429}:
        return _turned_away(route, response, read_error_body(response.body))
    if 400 <= status < 500 and status != _REQUEST_TIMEOUT:
        return _refused(route, response, read_error_body(response.body))
    if status >= 500 or status == _REQUEST_TIMEOUT:
        return _lost(route, f"HTTP {status} ({_looks_like(response)})", status=status)
    if route.when_lost is WhenLost.LOOK_UP:
        return _lost(route, f"HTTP {status}, which KSeF never answers", status=status)
    return BrokenContract(
        f"HTTP {status}, which KSeF never answers; check the base address and the proxy",
        route=route.name,
        status=status,
    )


def _turned_away(route: Route, response: HttpResponse, body: ErrorBody) -> KsefError:
    """401, 403, 429: the request did not get as far as being processed."""
    status = response.status
    if status == 429:
        seconds = retry_after_seconds(response)
        return RateLimited(
            f"limit of group {route.group.value} reached; not processed, wait {seconds} s",
            retry_after_seconds=seconds,
            group=route.group.value,
            route=route.name,
            trace_id=body.trace_id,
        )
    # A bad token occasionally gives a 403 without any body.
    if status == 401 or not response.body:
        return Unauthorized(
            f"HTTP {status}: the token is not accepted; check the credential of this context",
            reason_code="unauthorized",
            route=route.name,
            status=status,
            trace_id=body.trace_id,
        )
    reason = body.reason_code or "forbidden"
    return OperatorNeeded(
        f"HTTP 403 {reason}: {body.detail or _looks_like(response)}{_missing_permissions(body)}",
        reason_code=reason,
        route=route.name,
        status=status,
        trace_id=body.trace_id,
    )


def _missing_permissions(body: ErrorBody) -> str:
    wanted = body.security.get("requiredAnyOfPermissions")
    if not isinstance(wanted, list):
        return ""
    return f" (any of these permissions is required: {', '.join(str(name)[:60] for name in wanted[:10])})"


def _refused(route: Route, response: HttpResponse, body: ErrorBody) -> Refused:
    told = ", ".join(f"{problem.code} {problem.description}".rstrip() for problem in body.problems)
    return Refused(
        f"HTTP {response.status}, not processed: {told or body.detail or _looks_like(response)}",
        problems=body.problems,
        route=route.name,
        status=response.status,
        trace_id=body.trace_id,
    )


def _lost(route: Route, told: str, *, status: int | None) -> KsefError:
    match route.when_lost:
        case WhenLost.LOOK_UP:
            return AmbiguousResult(
                f"{told}; it may have been processed, look it up", route=route.name, status=status
            )
        case WhenLost.START_OVER:
            return TransientError(f"{told}; harmless, start over", route=route.name, status=status)
        case WhenLost.REPEAT:
            return TransientError(f"{told}; call again later", route=route.name, status=status)


def retry_after_seconds(response: HttpResponse) -> int:
    """Whole seconds of ``Retry-After``, at least 1."""
    text = response.headers.get("retry-after", "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return RETRY_AFTER_FALLBACK_SECONDS
    return max(1, int(text))


def _looks_like(response: HttpResponse) -> str:
    kind = response.headers.get("content-type", "").split(";")[0].strip()[:60] or "no content type"
    return f"{kind}, {len(response.body)} bytes"
