"""Getting in: public keys, challenge, login with a KSeF token, redeem, refresh, revoke.

A login's verdict is known when it starts and shows once its delay has passed. Tokens are redeemed once.
"""

from dataclasses import dataclass, replace
from datetime import UTC, timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from simulator.credentials import token_digest
from simulator.crypto.bearers import LIFETIMES, Access, Issued, access_claims
from simulator.crypto.keys import EncryptionKey, KeyUsage
from simulator.operations.call import Call
from simulator.operations.ip_policy import read_policy
from simulator.protocol.errors import (
    BAD_CHALLENGE,
    NOT_AUTHORISED,
    UNKNOWN_LOGIN,
    UNKNOWN_PUBLIC_KEY,
    BadRequest,
)
from simulator.protocol.identifiers import Identifier, new_reference
from simulator.protocol.reading import REFERENCE_LENGTH, Fields, read_json
from simulator.protocol.statuses import LOGIN, status
from simulator.protocol.times import timestamp
from simulator.store.rows import Challenge, KsefToken, Login
from simulator.wire import Response, empty_response, json_response

CHALLENGE_LIVES = timedelta(minutes=10)
LOGIN_KEPT = timedelta(days=7)
METHOD = "Token"

_KEY_ID_LENGTH = 44


@dataclass(frozen=True, slots=True)
class _Outcome:
    code: int
    details: tuple[str, ...] = ()
    token: KsefToken | None = None


def list_public_keys(call: Call) -> Response:
    return json_response(200, [_public_key(key) for key in call.site.keys.encryption])


def _public_key(key: EncryptionKey) -> dict[str, object]:
    return {
        "certificate": key.certificate.public_bytes(Encoding.DER),
        "certificateId": key.certificate_id,
        "publicKeyId": key.public_key_id,
        "validFrom": timestamp(key.certificate.not_valid_before_utc),
        "validTo": timestamp(key.certificate.not_valid_after_utc),
        "usage": [key.usage],
    }


def chosen_key(call: Call, fields: Fields, usage: KeyUsage) -> EncryptionKey:
    """The key the caller encrypted for; without ``publicKeyId`` the current one; 21470 for one not in use."""
    named = None
    if fields.has("publicKeyId"):
        fields.base64("publicKeyId", length=_KEY_ID_LENGTH)
        named = fields.text("publicKeyId")
    key = call.site.keys.for_usage(usage, public_key_id=named)
    if key is None:
        raise BadRequest(UNKNOWN_PUBLIC_KEY, (f"Klucz o identyfikatorze {named} nie jest wspierany.",))
    return key


def issue_challenge(call: Call) -> Response:
    challenge = Challenge(
        challenge=new_reference("CR", now=call.now, rng=call.rng),
        timestamp_ms=int(call.now.astimezone(UTC).timestamp() * 1000),
        issued_at=call.now,
    )
    call.store.add_challenge(challenge, forget_before=call.now - CHALLENGE_LIVES)
    return json_response(
        200,
        {
            "challenge": challenge.challenge,
            "timestamp": timestamp(call.now),
            "timestampMs": challenge.timestamp_ms,
            "clientIp": call.request.client,
        },
    )


def start_token_login(call: Call) -> Response:
    fields = read_json(call.request)
    named = fields.text("challenge", length=REFERENCE_LENGTH)
    context = fields.context("contextIdentifier")
    ciphertext = fields.base64("encryptedToken")
    allowed_ips = read_policy(fields)
    key = chosen_key(call, fields, "KsefTokenEncryption")
    challenge = call.store.take_challenge(named)
    if challenge is None or call.now >= challenge.issued_at + CHALLENGE_LIVES:
        raise BadRequest(BAD_CHALLENGE)
    outcome = _outcome(call, key.decrypt(ciphertext), challenge=challenge, context=context)
    token = outcome.token
    login = Login(
        reference=new_reference("AU", now=call.now, rng=call.rng),
        context=context,
        subject=context if token is None else token.subject,
        permissions=() if token is None else token.permissions,
        token_reference=None if token is None else token.reference,
        started_at=call.now,
        decided_at=call.now + call.site.controls.delays.login.draw(call.rng),
        code=outcome.code,
        details=outcome.details,
        allowed_ips=allowed_ips,
    )
    call.store.put_login(login)
    issued = call.site.bearers.issue("AuthenticationToken", login=login.reference, now=call.now, rng=call.rng)
    content = {"referenceNumber": login.reference, "authenticationToken": _token_info(issued)}
    return json_response(202, content)


def _outcome(call: Call, plain: bytes | None, *, challenge: Challenge, context: Identifier) -> _Outcome:
    """The verdict on a decrypted ``token|timestamp``; the token itself holds bars, so the last one splits."""
    if plain is None:
        return _Outcome(450, ("Nieprawidłowe szyfrowanie tokena",))
    text, bar, moment = plain.decode("utf-8", errors="replace").rpartition("|")
    if not bar or not moment.isascii() or not moment.isdigit():
        return _Outcome(450, ("Nieprawidłowe kodowanie tokena",))
    if int(moment) != challenge.timestamp_ms:
        return _Outcome(450, ("Nieprawidłowy czas tokena",))
    return _token_outcome(call.store.token_with_digest(token_digest(text)), context=context)


def _token_outcome(token: KsefToken | None, *, context: Identifier) -> _Outcome:
    if token is None:
        return _Outcome(450, ("Nieprawidłowy token",))
    if token.revoked_at is not None:
        return _Outcome(450, ("Token unieważniony",), token)
    if token.context != context:
        return _Outcome(450, (f"Token nie może być użyty w kontekście {context}",), token)
    if not token.permissions:
        return _Outcome(415, ("Brak przypisanych uprawnień",), token)
    return _Outcome(200, token=token)


def get_login(call: Call) -> Response:
    reference = call.reference("referenceNumber")
    login = call.store.login(reference) if reference == call.login_reference else None
    if login is None:
        raise _unknown_login(reference)
    code, details = login_state(login, call)
    content: dict[str, object] = {
        "startDate": timestamp(login.started_at),
        "authenticationMethod": METHOD,
        "authenticationMethodInfo": {"category": METHOD, "code": "token.ksef", "displayName": "Token KSeF"},
        "status": status(code, LOGIN, details=details),
        "isTokenRedeemed": login.redeemed_at is not None,
    }
    if login.refreshed_at is not None:
        content["lastTokenRefreshDate"] = timestamp(login.refreshed_at)
    if login.redeemed_at is not None:
        content["refreshTokenValidUntil"] = timestamp(login.redeemed_at + LIFETIMES["RefreshToken"])
    return json_response(200, content)


def login_state(login: Login, call: Call) -> tuple[int, tuple[str, ...]]:
    """The code a login shows now, and its details."""
    if login.revoked_at is not None:
        detail = "Uwierzytelnienie i powiązane refresh tokeny zostały unieważnione przez użytkownika"
        return 425, (detail,)
    if call.now < login.decided_at:
        return 100, ()
    return login.code, login.details


def redeem_tokens(call: Call) -> Response:
    login = _usable_login(call, purpose="pobranie tokenów", status_word="uwierzytelniania")
    if login.redeemed_at is not None:
        detail = f"Tokeny dla operacji uwierzytelniania {login.reference} zostały już pobrane."
        raise BadRequest(NOT_AUTHORISED, (detail,))
    call.store.put_login(replace(login, redeemed_at=call.now))
    refresh = call.site.bearers.issue("RefreshToken", login=login.reference, now=call.now, rng=call.rng)
    content = {"accessToken": _token_info(_access_token(call, login)), "refreshToken": _token_info(refresh)}
    return json_response(200, content)


def refresh_token(call: Call) -> Response:
    login = _usable_login(call, purpose="odświeżenie tokenu dostępowego", status_word="uwierzytelnienia")
    call.store.put_login(replace(login, refreshed_at=call.now))
    return json_response(200, {"accessToken": _token_info(_access_token(call, login))})


def revoke_current_login(call: Call) -> Response:
    """The refresh token dies at once; living access tokens last until they expire."""
    login = call.store.login(call.login_reference)
    if login is not None and login.revoked_at is None:
        call.store.put_login(replace(login, revoked_at=call.now))
    return empty_response(204)


def _usable_login(call: Call, *, purpose: str, status_word: str) -> Login:
    login = call.store.login(call.login_reference)
    if login is None:
        raise _unknown_login(call.login_reference)
    code, _ = login_state(login, call)
    if code != 200:
        detail = f"Status {status_word} ({code}) nie pozwala na {purpose}."
        raise BadRequest(NOT_AUTHORISED, (detail,))
    token = None if login.token_reference is None else call.store.token(login.token_reference)
    if token is not None and token.revoked_at is not None:
        raise BadRequest(NOT_AUTHORISED, ("Token KSeF został unieważniony.",))
    return login


def _unknown_login(reference: str) -> BadRequest:
    detail = f"Operacja uwierzytelniania o numerze referencyjnym {reference} nie została znaleziona."
    return BadRequest(UNKNOWN_LOGIN, (detail,))


def _access_token(call: Call, login: Login) -> Issued:
    access = Access(
        login=login.reference,
        context=login.context,
        subject=login.subject,
        permissions=frozenset(login.permissions),
        allowed_ips=login.allowed_ips,
    )
    return call.site.bearers.issue(
        "ContextToken",
        login=login.reference,
        now=call.now,
        rng=call.rng,
        claims=access_claims(access, method=METHOD),
    )


def _token_info(issued: Issued) -> dict[str, object]:
    return {"token": issued.token, "validUntil": timestamp(issued.valid_until)}
