"""One call as a handler sees it: the request, the moment, randomness, the store, and who is calling."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from simulator.crypto.bearers import Access
from simulator.installation import Installation
from simulator.protocol.errors import not_your_resource
from simulator.protocol.reading import checked_reference
from simulator.store.port import Store
from simulator.store.rows import Session
from simulator.wire import Request

OWNER = "Owner"
INTROSPECTION = "Introspection"


@dataclass(frozen=True, slots=True)
class Call:
    """``path`` holds the values of the route's placeholders.

    ``login`` is the reference of the authentication behind the bearer token, ``access`` what an access token
    says; both are None where the table says that the operation takes no such token.
    """

    request: Request
    now: datetime
    rng: Random
    store: Store
    site: Installation
    path: Mapping[str, str]
    login: str | None = None
    access: Access | None = None

    @property
    def caller(self) -> Access:
        """The holder of the access token; only for operations whose row in the table demands one."""
        if self.access is None:
            raise LookupError(f"{self.request.method} {self.request.path} takes no access token")
        return self.access

    @property
    def login_reference(self) -> str:
        if self.login is None:
            raise LookupError(f"{self.request.method} {self.request.path} takes no bearer token")
        return self.login

    @property
    def origin(self) -> str:
        """The base of links to this installation."""
        return self.site.public_url or self.request.origin

    def reference(self, name: str) -> str:
        """A 36-character reference from the path, or 21405."""
        return checked_reference(self.path[name], where=name)


def opened_by_caller(session: Session, call: Call) -> bool:
    """Whether the caller is who opened the session, or owns its context."""
    caller = call.caller
    if session.context != caller.context:
        return False
    return session.subject == caller.subject or OWNER in caller.permissions


def check_may_change(session: Session, call: Call) -> None:
    if not opened_by_caller(session, call):
        raise not_your_resource()


def check_may_see(session: Session, call: Call) -> None:
    """Opener, owner of the context, or a holder of Introspection in it."""
    introspects = INTROSPECTION in call.caller.permissions and session.context == call.caller.context
    if not introspects:
        check_may_change(session, call)
