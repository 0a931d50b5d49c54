"""Making one call: hooks, the request, bounded repeats of what is safe to repeat.

Invariant: every request on the wire is announced to ``before_call`` and reported to ``on_call``, repeats
included, so budgets and metrics count what KSeF counts.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from ksef import answers
from ksef.environments import ContextId, Environment
from ksef.errors import RateLimited, TransientError
from ksef.http import AnswerLost, HttpRequest, HttpResponse, RequestNotSent, Transport
from ksef.routes import Auth, RateGroup, Route, WhenLost
from ksef.secret import Bearer

logger = logging.getLogger(__name__)

_ALWAYS: Final = (
    ("Accept", "application/json, application/xml, application/problem+json"),
    ("X-Error-Format", "problem-details"),
)
_JSON: Final = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A request about to go out. ``context`` is None only for fetching the public keys."""

    route: str
    group: RateGroup
    context: ContextId | None


class Failure(Enum):
    """Why a call has no HTTP status."""

    NOT_SENT = "not sent"
    ANSWER_LOST = "answer lost"


@dataclass(frozen=True, slots=True)
class FinishedCall:
    """A request that is over: either ``status`` or ``failure`` is set.

    ``warning`` is KSeF's ``X-System-Warning``, worth a log line, never a reason to fail.
    """

    route: str
    group: RateGroup
    context: ContextId | None
    seconds: float
    status: int | None = None
    failure: Failure | None = None
    warning: str | None = None


BeforeCall: TypeAlias = Callable[[PlannedCall], Awaitable[None]]
"""Awaited before each request: the place to book a limit. If it raises, nothing is sent."""

OnCall: TypeAlias = Callable[[FinishedCall], None]
"""Told of each finished request. What it raises is logged and dropped: the call has happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatPolicy:
    """How often a call that is safe to repeat is made in all, and the pause before the first repeat (doubled
    for each further one). ``attempts=1`` leaves every repeat to the caller."""

    attempts: int
    first_pause_seconds: float

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_pause_seconds < 0:
            raise ValueError("repeat policy: at least one attempt, no negative pause")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world below and beside the client. Tests and simulations put their own in."""

    transport: Transport
    sleep: Callable[[float], Awaitable[None]]
    timer: Callable[[], float]
    before_call: BeforeCall | None = None
    on_call: OnCall | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What one call says. A value, so that it can be made again with another bearer."""

    route: Route
    path_values: tuple[str, ...] = ()
    query: str = ""
    body: bytes = field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = ()


class Caller:
    """Makes calls to one environment."""

    def __init__(self, environment: Environment, *, ports: Ports, repeat: RepeatPolicy) -> None:
        self._base = environment.api_url
        self._ports = ports
        self._repeat = repeat

    async def call(
        self, request: Request, *, context: ContextId | None, bearer: Bearer | None = None
    ) -> HttpResponse:
        """The 2xx answer; anything else raises as ``ksef.errors`` says.

        Only a ``WhenLost.REPEAT`` route is repeated, and only after a TransientError that is not a limit:
        waiting for a limit is the caller's affair.
        """
        route = request.route
        wire = self._wire_request(request, bearer)
        planned = PlannedCall(route.name, route.group, context)
        attempts = self._repeat.attempts if route.when_lost is WhenLost.REPEAT else 1
        pause = self._repeat.first_pause_seconds
        for _ in range(attempts - 1):
            try:
                return await self._once(route, wire, planned)
            except RateLimited:
                raise
            except TransientError:
                pass
            await self._ports.sleep(pause)
            pause *= 2
        return await self._once(route, wire, planned)

    async def _once(self, route: Route, wire: HttpRequest, planned: PlannedCall) -> HttpResponse:
        if self._ports.before_call is not None:
            await self._ports.before_call(planned)
        began = self._ports.timer()
        try:
            response = await self._ports.transport.send(wire)
        except RequestNotSent as err:
            self._report(planned, began, failure=Failure.NOT_SENT)
            raise answers.not_sent(route, str(err)) from err
        except AnswerLost as err:
            self._report(planned, began, failure=Failure.ANSWER_LOST)
            raise answers.no_answer(route, str(err)) from err
        self._report(planned, began, response=response)
        error = answers.error_for(route, response)
        if error is not None:
            raise error
        return response

    def _wire_request(self, request: Request, bearer: Bearer | None) -> HttpRequest:
        route = request.route
        if (bearer.kind if bearer else Auth.NONE) is not route.auth:
            raise ValueError(f"{route.name} is called with {route.auth.value} as bearer")
        headers = (*_ALWAYS, *request.headers)
        if request.body:
            headers = (*headers, _JSON)
        if bearer is not None:
            headers = (*headers, ("Authorization", f"Bearer {bearer.reveal()}"))
        url = f"{self._base}{route.path(*request.path_values)}{request.query}"
        return HttpRequest(route.method, url, headers, request.body)

    def _report(
        self,
        planned: PlannedCall,
        began: float,
        *,
        response: HttpResponse | None = None,
        failure: Failure | None = None,
    ) -> None:
        if self._ports.on_call is None:
            return
        finished = FinishedCall(
            planned.route,
            planned.group,
            planned.context,
            self._ports.timer() - began,
            status=response.status if response else None,
            failure=failure,
            warning=response.headers.get("x-system-warning") if response else None,
        )
        try:
            self._ports.on_call(finished)
        except Exception:
            # An observer must not turn a call that worked into one that failed.
            logger.exception("on_call_failed")
