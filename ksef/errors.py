"""What can go wrong, sorted by who must act.

KsefError
├── TransientError        wait, then call again
│   └── RateLimited       wait ``retry_after_seconds``; it holds for the whole group of the context
├── AmbiguousResult       look it up: the request may have been processed
├── BrokenContract        a developer: KSeF answered something that this client does not understand
├── OperatorNeeded        a person: ``reason_code`` says what for
│   └── Unauthorized      the bearer token was refused (seen outside only after a new login was refused too)
└── Refused               the caller decides by ``codes``: KSeF looked at the request and turned it down

One rule makes crash-safe senders possible: on a route that must be looked up when its answer is lost
(``WhenLost.LOOK_UP``: sending an invoice, closing a session), **every error of this tree except
AmbiguousResult proves that KSeF did not process the request**. Cancelling such a call, or an exception from
outside the tree, counts as AmbiguousResult.

Messages name the route, the reason and the next step. They never carry a document, a token or a key.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of KSeF's error list: its exception code and its own words."""

    code: int
    description: str = ""
    details: tuple[str, ...] = ()


class KsefError(Exception):
    """Root of this package's errors.

    ``route`` is a name of ``ksef.routes`` (None outside a call), ``status`` the HTTP status if there was one,
    ``trace_id`` the number under which the ministry's support can find the call.
    """

    def __init__(
        self,
        message: str,
        *,
        route: str | None = None,
        status: int | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(f"{route}: {message}" if route else message)
        self.route = route
        self.status = status
        self.trace_id = trace_id


class TransientError(KsefError):
    """KSeF or the way to it is away. The request was not processed, or doing it again is harmless."""


class RateLimited(TransientError):
    """429: not processed. ``group`` of this context is closed for ``retry_after_seconds`` (at least 1)."""

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: int,
        group: str,
        route: str | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(message, route=route, status=429, trace_id=trace_id)
        self.retry_after_seconds = retry_after_seconds
        self.group = group


class AmbiguousResult(KsefError):
    """The answer was lost or unreadable: KSeF may hold the result. Never repeat blindly; look first."""


class BrokenContract(KsefError):
    """An answer outside the published contract. Waiting does not help; the text says what was unexpected."""


class OperatorNeeded(KsefError):
    """Credentials, permissions, addresses or the network policy must be changed by a person.

    ``reason_code`` is KSeF's own for a 403 (``missing-permissions``, ``ip-not-allowed``,
    ``insufficient-resource-access``, ``auth-method-not-allowed``, ``security-service-blocked``,
    ``context-type-not-allowed``, or one still unknown), else one of ours: ``forbidden`` (a 403 without
    a reason), ``unauthorized``, ``no-valid-public-key``, ``public-keys-unavailable`` and the ``login-…``
    codes of ``ksef.login``.
    """

    def __init__(
        self,
        message: str,
        *,
        reason_code: str,
        route: str | None = None,
        status: int | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(message, route=route, status=status, trace_id=trace_id)
        self.reason_code = reason_code


class Unauthorized(OperatorNeeded):
    """401 (or the bare 403 that KSeF sometimes gives instead): the bearer token is not accepted."""


class Refused(KsefError):
    """A definite 4xx: not processed. Codes and their meaning: ``ksef.refusals``.

    ``codes`` is empty when a gateway, not KSeF, turned the request down.
    """

    def __init__(
        self,
        message: str,
        *,
        problems: tuple[Problem, ...] = (),
        route: str | None = None,
        status: int | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(message, route=route, status=status, trace_id=trace_id)
        self.problems = problems

    @property
    def codes(self) -> frozenset[int]:
        return frozenset(problem.code for problem in self.problems)
