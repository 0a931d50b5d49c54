"""Bearer tokens: real HS256 JWTs, checked on every call.

Claims carry the short names seen on the real system; lists are JSON text inside a string, as there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal, TypeAlias

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from simulator.protocol.identifiers import Identifier

BearerType = Literal["AuthenticationToken", "ContextToken", "RefreshToken"]
"""For status and redeem; for protected calls; for refresh."""

LIFETIMES: Mapping[BearerType, timedelta] = {
    "AuthenticationToken": timedelta(minutes=45),
    "ContextToken": timedelta(minutes=15),
    "RefreshToken": timedelta(days=7),
}

ClaimValue: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Issued:
    token: str = field(repr=False)
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token says about its holder."""

    login: str
    context: Identifier
    subject: Identifier
    permissions: frozenset[str]
    allowed_ips: Mapping[str, tuple[str, ...]] | None


class Bearers:
    """Issues and checks tokens of one issuer; any other issuer's tokens are refused."""

    def __init__(self, secret: bytes, *, issuer: str) -> None:
        self._key = OctKey.import_key(secret)
        self._issuer = issuer

    def issue(
        self,
        kind: BearerType,
        *,
        login: str,
        now: datetime,
        rng: Random,
        claims: Mapping[str, ClaimValue] | None = None,
    ) -> Issued:
        """A token of its type's lifetime; ``jti`` makes two tokens of one second differ."""
        until = now + LIFETIMES[kind]
        content: dict[str, ClaimValue] = {
            "typ": kind,
            "arn": login,
            "jti": f"{rng.getrandbits(64):016x}",
            **(claims or {}),
            "exp": int(until.timestamp()),
            "iat": int(now.timestamp()),
            "iss": self._issuer,
            "aud": self._issuer,
        }
        return Issued(
            token=jwt.encode({"alg": "HS256"}, content, self._key),
            valid_until=until.replace(microsecond=0),
        )

    def claims(self, token: str) -> Mapping[str, object] | None:
        """The claims of a token of ours with an intact signature; expiry is for the caller to judge."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
        except (JoseError, ValueError):
            return None
        return claims if claims.get("iss") == self._issuer == claims.get("aud") else None


def expired(claims: Mapping[str, object], *, now: datetime) -> bool:
    expiry = claims.get("exp")
    return not isinstance(expiry, int) or now >= datetime.fromtimestamp(expiry, UTC)


def access_claims(access: Access, *, method: str) -> dict[str, ClaimValue]:
    """The claims of an access token besides those every token has."""
    permissions = json.dumps(sorted(access.permissions))
    subject = {"subjectIdentifier": {"type": access.subject.type, "value": access.subject.value}}
    claims: dict[str, ClaimValue] = {
        "cit": access.context.type,
        "civ": access.context.value,
        "aum": method,
        "sud": json.dumps(subject),
        "per": permissions,
        "pec": "[]",
        "rol": "[]",
        "pep": permissions,
    }
    if access.allowed_ips is not None:
        claims["iop"] = json.dumps(access.allowed_ips)
    return claims


def access_of(claims: Mapping[str, object]) -> Access:
    """Read back what `access_claims` wrote; only for claims whose signature was checked."""
    subject = json.loads(str(claims["sud"]))["subjectIdentifier"]
    policy = json.loads(str(claims["iop"])) if "iop" in claims else None
    return Access(
        login=str(claims["arn"]),
        context=Identifier(str(claims["cit"]), str(claims["civ"])),
        subject=Identifier(subject["type"], subject["value"]),
        permissions=frozenset(json.loads(str(claims["per"]))),
        allowed_ips=None if policy is None else {kind: tuple(ips) for kind, ips in policy.items()},
    )
