"""Logging in with a KSeF token: challenge, encrypted token, waiting, redeeming; and refreshing.

Invariant: a login ends in tokens, TransientError (begin again later), OperatorNeeded or BrokenContract; its
refusals never look like a refusal of the call that needed it. Redeeming works once, so a lost answer means a
new login.

``reason_code`` of OperatorNeeded: ``login-no-permission`` (415), ``login-revoked`` (425),
``login-token-refused`` (450), ``login-certificate-refused`` (460), ``login-holder-deceased`` (470),
``login-blocked`` (480: stop, contact the ministry), ``login-refused`` (any other).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ksef import wire
from ksef.answers import read_answer, read_reference, unreadable
from ksef.calls import Caller, Request
from ksef.crypto import encrypt_for
from ksef.environments import ContextId
from ksef.errors import OperatorNeeded, Refused, TransientError
from ksef.http import HttpResponse
from ksef.public_keys import KeyUsage, PublicKey, PublicKeys
from ksef.refusals import ExceptionCode
from ksef.routes import CHALLENGE, LOGIN_STATUS, REDEEM, REFRESH, TOKEN_LOGIN, Auth, Route
from ksef.secret import Bearer, TokenCredential
from ksef.statuses import LoginVerdict, login_verdict
from ksef.timestamps import parse_timestamp

_REASONS: Mapping[int, str] = {
    415: "login-no-permission",
    425: "login-revoked",
    450: "login-token-refused",
    460: "login-certificate-refused",
    470: "login-holder-deceased",
    480: "login-blocked",
}
# The challenge grew too old or the operation is gone: the next login has new ones.
_GONE_STALE = frozenset(
    {ExceptionCode.BAD_CHALLENGE, ExceptionCode.NOT_AUTHORISED, ExceptionCode.LOGIN_UNKNOWN}
)


@dataclass(frozen=True, slots=True)
class TimedBearer:
    """A JWT and the moment it stops working, by KSeF's clock."""

    bearer: Bearer
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: TimedBearer
    refresh: TimedBearer


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginWait:
    """How to wait for KSeF to decide on a login: pauses double from the first to the longest."""

    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 5.0
    give_up_after_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class _Operation:
    """A login under way."""

    reference: str
    bearer: Bearer


class Login:
    """Logs one context in, as often as asked."""

    def __init__(
        self,
        caller: Caller,
        *,
        keys: PublicKeys,
        context: ContextId,
        credential: TokenCredential,
        wait: LoginWait,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._caller = caller
        self._keys = keys
        self._context = context
        self._credential = credential
        self._wait = wait
        self._sleep = sleep

    async def new_tokens(self) -> TokenPair:
        """Log in from a new challenge. A public key that was withdrawn meanwhile is replaced once."""
        try:
            operation = await self._begin()
            await self._until_decided(operation)
            response = await self._call(Request(REDEEM), operation.bearer)
        except Refused as err:
            raise _login_refused(err) from err
        tokens = read_answer(REDEEM, response, wire.TOKENS)
        return TokenPair(
            _timed(REDEEM, response, tokens.access_token, Auth.ACCESS),
            _timed(REDEEM, response, tokens.refresh_token, Auth.REFRESH),
        )

    async def refreshed(self, refresh: Bearer) -> TimedBearer:
        """Another access token; the refresh token stays. KSeF refuses with Refused or Unauthorized."""
        response = await self._call(Request(REFRESH), refresh)
        answer = read_answer(REFRESH, response, wire.REFRESHED)
        return _timed(REFRESH, response, answer.access_token, Auth.ACCESS)

    async def _begin(self) -> _Operation:
        key = await self._keys.current(KeyUsage.KSEF_TOKEN)
        try:
            return await self._start(key)
        except Refused as err:
            if ExceptionCode.PUBLIC_KEY_WITHDRAWN not in err.codes:
                raise
        return await self._start(await self._keys.replacement(KeyUsage.KSEF_TOKEN, withdrawn=key))

    async def _start(self, key: PublicKey) -> _Operation:
        response = await self._call(Request(CHALLENGE), None)
        challenge = read_answer(CHALLENGE, response, wire.CHALLENGE)
        # The time must be the challenge's own, to the millisecond: it ties the ciphertext to it.
        text = f"{self._credential.reveal()}|{challenge.timestamp_ms}"
        body = {
            "challenge": challenge.challenge,
            "contextIdentifier": {"type": self._context.type.value, "value": self._context.value},
            "encryptedToken": encrypt_for(key.key, text.encode()),
            "publicKeyId": key.id,
        }
        response = await self._call(Request(TOKEN_LOGIN, body=msgspec.json.encode(body)), None)
        answer = read_answer(TOKEN_LOGIN, response, wire.LOGIN_STARTED)
        return _Operation(
            read_reference(TOKEN_LOGIN, response, answer.reference_number),
            _timed(TOKEN_LOGIN, response, answer.authentication_token, Auth.OPERATION).bearer,
        )

    async def _until_decided(self, operation: _Operation) -> None:
        waited, pause = 0.0, self._wait.first_pause_seconds
        while True:
            response = await self._call(Request(LOGIN_STATUS, (operation.reference,)), operation.bearer)
            status = read_answer(LOGIN_STATUS, response, wire.LOGIN_STATUS).status
            match login_verdict(status.code):
                case LoginVerdict.DONE:
                    return
                case LoginVerdict.TRY_AGAIN:
                    raise TransientError(
                        f"login ended with {status.code} {status.description}; begin again later",
                        route=LOGIN_STATUS.name,
                    )
                case LoginVerdict.OPERATOR_NEEDED:
                    raise self._failed(status)
                case LoginVerdict.PENDING if waited >= self._wait.give_up_after_seconds:
                    raise TransientError(
                        f"login still undecided after {waited:g} s; begin again later",
                        route=LOGIN_STATUS.name,
                    )
                case LoginVerdict.PENDING:
                    await self._sleep(pause)
                    waited += pause
                    pause = min(pause * 2, self._wait.longest_pause_seconds)

    def _failed(self, status: wire.Status) -> OperatorNeeded:
        details = "; ".join(text for text in status.details or () if text)
        return OperatorNeeded(
            f"login of {self._context} failed with {status.code} {status.description} "
            f"({details or 'no details'}); check the credential and its permissions",
            reason_code=_REASONS.get(status.code, "login-refused"),
            route=LOGIN_STATUS.name,
        )

    async def _call(self, request: Request, bearer: Bearer | None) -> HttpResponse:
        return await self._caller.call(request, context=self._context, bearer=bearer)


def _login_refused(err: Refused) -> TransientError | OperatorNeeded:
    if err.codes & _GONE_STALE:
        return TransientError(f"login grew stale ({err}); begin again", route=err.route, status=err.status)
    if ExceptionCode.PUBLIC_KEY_WITHDRAWN in err.codes:
        return TransientError(
            f"KSeF refused its newest public key ({err}); begin again later",
            route=err.route,
            status=err.status,
        )
    return OperatorNeeded(
        f"login refused ({err}); check context and credential",
        reason_code="login-refused",
        route=err.route,
        status=err.status,
        trace_id=err.trace_id,
    )


def _timed(route: Route, response: HttpResponse, jwt: wire.Jwt, kind: Auth) -> TimedBearer:
    try:
        return TimedBearer(Bearer(jwt.token, kind=kind), parse_timestamp(jwt.valid_until))
    except ValueError as err:
        raise unreadable(route, response, str(err)) from err
