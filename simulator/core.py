"""KSeF as one function: `Simulator.handle(request, now, rng, store)` gives the answer and changes the store.

Order of every call: route, bearer token, address policy, rate, permission, fault on order, handler. Nothing
here reads a clock, a socket or a global random source, so a simulation may run it with virtual time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import assert_never

from simulator.crypto.bearers import Access, access_of, expired
from simulator.faults import AnswerAfter, AnswerInstead, DelayAnswer, Effect, LoseAnswer
from simulator.index import index_page
from simulator.installation import Installation
from simulator.operations.call import OWNER, Call
from simulator.operations.ip_policy import ip_allowed
from simulator.operations.limits import effective_rates
from simulator.operations.table import OPERATIONS, Bearer, Operation
from simulator.policy import Profile
from simulator.protocol.errors import (
    Forbidden,
    Gone,
    MethodNotAllowed,
    NotFound,
    Refusal,
    TooManyRequests,
    Unauthorized,
)
from simulator.protocol.identifiers import Identifier
from simulator.protocol.problems import render
from simulator.routing import Routes
from simulator.store.port import Store
from simulator.windows import Key
from simulator.wire import Answer, NoAnswer, Request, Response


@dataclass(frozen=True, slots=True)
class _Holder:
    """Whom a bearer token speaks for; nobody when the operation wants none."""

    login: str | None = None
    context: Identifier | None = None
    access: Access | None = None


class Simulator:
    """The API of one installation."""

    def __init__(self, site: Installation) -> None:
        self.site = site
        self._routes = Routes(OPERATIONS)

    def handle(self, request: Request, *, now: datetime, rng: Random, store: Store) -> Answer:
        """Answer one request at ``now``; what it changed is in the store when this returns.

        Calls must not overlap. Never raises for anything a client can send.
        """
        try:
            return self._answer(request, now=now, rng=rng, store=store)
        except Refusal as refusal:
            return render(refusal, request=request, now=now, rng=rng)

    def _answer(self, request: Request, *, now: datetime, rng: Random, store: Store) -> Answer:
        if request.path == "/":
            return self._index(request)
        operation, values = self._routes.find(request.method, request.path)
        if operation.test_only and self.site.policy.profile is Profile.PRODUCTION:
            raise NotFound
        holder = self._holder(operation, request, now=now, store=store)
        self._count(operation, holder, request, now=now, store=store)
        if holder.access is not None:
            _check_permissions(operation, holder.access)
        call = Call(
            request=request,
            now=now,
            rng=rng,
            store=store,
            site=self.site,
            path=values,
            login=holder.login,
            access=holder.access,
        )
        context = None if holder.context is None else holder.context.value
        effect = self.site.controls.faults.take(operation.name, context)
        return _spoiled(effect, operation, call)

    def _index(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(("GET",))
        return index_page(self.site.policy)

    def _holder(self, operation: Operation, request: Request, *, now: datetime, store: Store) -> _Holder:
        if operation.bearer in (Bearer.NOBODY, Bearer.LINK):
            return _Holder()
        claims = self._claims(operation, request)
        if expired(claims, now=now):
            raise _too_late(operation, claims, now=now, store=store)
        if claims["typ"] != "ContextToken":
            login = store.login(str(claims["arn"]))
            return _Holder(login=str(claims["arn"]), context=None if login is None else login.context)
        access = access_of(claims)
        if not ip_allowed(access.allowed_ips, request.client):
            detail = "Żądanie pochodzi z adresu IP innego niż wskazany podczas uwierzytelnienia."
            raise Forbidden("ip-not-allowed", detail, {"clientIp": request.client})
        return _Holder(login=access.login, context=access.context, access=access)

    def _claims(self, operation: Operation, request: Request) -> Mapping[str, object]:
        """The claims of a genuine token of a type the operation takes; expiry is not looked at."""
        scheme, _, token = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token.isascii():
            raise Unauthorized
        claims = self.site.bearers.claims(token.strip())
        if claims is None or claims.get("typ") not in operation.bearer.value:
            raise Unauthorized
        return claims

    def _count(
        self, operation: Operation, holder: _Holder, request: Request, *, now: datetime, store: Store
    ) -> None:
        """Count the call in its group, or refuse it: per (context, address), public calls per address."""
        if operation.bearer is Bearer.LINK:
            return
        rates = self.site.controls.rates
        group = "anonymous" if holder.context is None else operation.group
        key: Key = (group, request.client)
        if holder.context is not None and group != "anonymous":
            rates = effective_rates(holder.context, store=store, default=rates)
            counter = operation.name if group == "other" else group
            key = (counter, holder.context.type, holder.context.value, request.client)
        exceeded = self.site.windows.admit(key, rates[group], now=now.timestamp())
        if exceeded is not None:
            detail = (
                f"Przekroczono limit {exceeded.limit} żądań na {exceeded.window}. "
                f"Spróbuj ponownie po {exceeded.retry_after_seconds} sekundach."
            )
            raise TooManyRequests(detail, exceeded.retry_after_seconds)


def _too_late(operation: Operation, claims: Mapping[str, object], *, now: datetime, store: Store) -> Refusal:
    """401 for an expired token, but 410 where the thing it was for is past its retention."""
    login = store.login(str(claims["arn"]))
    if operation.kept is not None and login is not None and now >= login.started_at + operation.kept:
        return Gone("Status operacji uwierzytelniania nie jest już dostępny.")
    return Unauthorized()


def _check_permissions(operation: Operation, access: Access) -> None:
    if not operation.permissions or OWNER in access.permissions:
        return
    if access.permissions.isdisjoint(operation.permissions):
        raise Forbidden(
            "missing-permissions",
            "Brak wymaganych uprawnień do wykonania operacji w bieżącym kontekście.",
            {
                "requiredAnyOfPermissions": list(operation.permissions),
                "presentPermissions": sorted(access.permissions),
            },
        )


def _spoiled(effect: Effect | None, operation: Operation, call: Call) -> Answer:
    """The answer with a fault on order applied to it."""
    match effect:
        case None:
            return _performed(operation, call)
        case AnswerInstead(response):
            return response
        case AnswerAfter(response):
            _performed(operation, call)
            return response
        case LoseAnswer():
            _performed(operation, call)
            return NoAnswer()
        case DelayAnswer(seconds):
            return replace(_performed(operation, call), delay_seconds=seconds)
        case _:
            assert_never(effect)


def _performed(operation: Operation, call: Call) -> Response:
    """The handler's answer; what it wrote is durable when this returns."""
    try:
        with call.store.transaction():
            return operation.handler(call)
    except Refusal as refusal:
        return render(refusal, request=call.request, now=call.now, rng=call.rng)
