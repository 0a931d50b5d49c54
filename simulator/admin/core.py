"""The admin port as a function of a request, like the API beside it."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from simulator.admin import controls, world
from simulator.admin.call import AdminCall
from simulator.installation import Installation
from simulator.protocol.errors import BadRequest, Refusal, Unauthorized
from simulator.routing import Routes
from simulator.store.port import Store
from simulator.wire import Request, Response, json_response


@dataclass(frozen=True, slots=True)
class Act:
    method: str
    path: str
    handler: Callable[[AdminCall], Response]


ACTS: Sequence[Act] = (
    Act("GET", "/", world.summary),
    Act("GET", "/companies", world.list_companies),
    Act("POST", "/companies", world.put_company),
    Act("POST", "/tokens", world.create_token),
    Act("POST", "/tokens/{reference}/revoke", world.revoke_token),
    Act("GET", "/sessions", world.list_sessions),
    Act("GET", "/invoices", world.list_invoices),
    Act("GET", "/acceptance", world.read_acceptance),
    Act("GET", "/delays", controls.get_delays),
    Act("PUT", "/delays", controls.set_delays),
    Act("PUT", "/limits", controls.set_limits),
    Act("PUT", "/list-lag", controls.set_list_lag),
    Act("POST", "/faults", controls.arm_fault),
    Act("GET", "/faults", controls.list_faults),
    Act("DELETE", "/faults", controls.withdraw_faults),
    Act("DELETE", "/faults/{id}", controls.withdraw_fault),
)


class Admin:
    """Answers the admin port; every call needs the bearer token made at start."""

    def __init__(self, site: Installation, *, token: str) -> None:
        self._site = site
        self._token = token.encode()
        self._routes = Routes(ACTS)

    def handle(self, request: Request, *, now: datetime, rng: Random, store: Store) -> Response:
        try:
            self._check_token(request)
            act, values = self._routes.find(request.method, request.path)
            call = AdminCall(request=request, now=now, rng=rng, store=store, site=self._site, path=values)
            return act.handler(call)
        except Refusal as refusal:
            return _error(refusal)

    def _check_token(self, request: Request) -> None:
        scheme, _, token = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), self._token):
            raise Unauthorized("The admin port wants the bearer token printed when the simulator started.")


def _error(refusal: Refusal) -> Response:
    text = refusal.detail
    if isinstance(refusal, BadRequest) and refusal.details:
        text = refusal.details[0]
    answer = json_response(refusal.status, {"error": text})
    return Response(status=answer.status, headers=answer.headers + refusal.headers(), body=answer.body)
