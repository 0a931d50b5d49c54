"""The ministry's public keys: choosing the right one, and following their rotation.

Invariant: of the keys for a usage that are valid now, the one with the latest ``valid_from`` is used, and its
id is always sent along, so that a withdrawn key is refused at once (21470) and not found out later.
"""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ksef import wire
from ksef.answers import read_answer, unreadable
from ksef.calls import Caller, Request
from ksef.errors import OperatorNeeded, Refused, TransientError
from ksef.routes import PUBLIC_KEYS
from ksef.timestamps import parse_timestamp

MAX_AGE = timedelta(hours=24)


class KeyUsage(StrEnum):
    """What a key is for, spelt as KSeF does."""

    KSEF_TOKEN = "KsefTokenEncryption"  # noqa: S105  # the name of a usage
    SYMMETRIC_KEY = "SymmetricKeyEncryption"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An RSA key of KSeF; ``id`` is the Base64 SHA-256 of its SubjectPublicKeyInfo."""

    id: str
    key: rsa.RSAPublicKey
    usages: frozenset[str]
    valid_from: datetime
    valid_to: datetime


def public_key_from(answer: wire.PublicKeyCertificate) -> PublicKey | None:
    """The key of a published certificate; None if it is not RSA. Raises ValueError if it cannot be read."""
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(answer.certificate, validate=True))
    except ValueError as err:
        raise ValueError("a public key certificate cannot be read") from err
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    key_info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if base64.b64encode(hashlib.sha256(key_info).digest()).decode("ascii") != answer.public_key_id:
        raise ValueError("publicKeyId does not belong to the certificate beside it")
    return PublicKey(
        answer.public_key_id,
        key,
        frozenset(answer.usage),
        parse_timestamp(answer.valid_from),
        parse_timestamp(answer.valid_to),
    )


def choose(keys: Iterable[PublicKey], *, usage: KeyUsage, now: datetime) -> PublicKey | None:
    """The key to use now, or None."""
    fitting = [key for key in keys if usage.value in key.usages and key.valid_from <= now < key.valid_to]
    return max(fitting, key=lambda key: key.valid_from, default=None)


async def fetch(caller: Caller) -> tuple[PublicKey, ...]:
    """The published RSA keys."""
    try:
        response = await caller.call(Request(PUBLIC_KEYS), context=None)
    except Refused as err:
        raise OperatorNeeded(
            f"no public keys ({err}); check the base address of the environment",
            reason_code="public-keys-unavailable",
            route=PUBLIC_KEYS.name,
            status=err.status,
        ) from err
    answer = read_answer(PUBLIC_KEYS, response, wire.PUBLIC_KEYS)
    try:
        return tuple(key for entry in answer if (key := public_key_from(entry)) is not None)
    except ValueError as err:
        raise unreadable(PUBLIC_KEYS, response, str(err)) from err


class PublicKeys:
    """Keeps the published keys for up to a day, and beyond while KSeF is away and a key is still valid.

    Callers at the same time share one fetch.
    """

    def __init__(
        self, fetch_keys: Callable[[], Awaitable[tuple[PublicKey, ...]]], *, clock: Callable[[], datetime]
    ) -> None:
        self._fetch = fetch_keys
        self._clock = clock
        self._keys: tuple[PublicKey, ...] = ()
        self._fetched_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def current(self, usage: KeyUsage) -> PublicKey:
        """The key to encrypt with now. Raises OperatorNeeded if KSeF publishes none that is valid."""
        if self._is_fresh(usage):
            return self._chosen(usage)
        async with self._lock:
            if not self._is_fresh(usage):
                await self._renew(usage)
            return self._chosen(usage)

    async def replacement(self, usage: KeyUsage, *, withdrawn: PublicKey) -> PublicKey:
        """The key to use after KSeF refused ``withdrawn`` with 21470: published keys are fetched anew."""
        async with self._lock:
            cached = choose(self._keys, usage=usage, now=self._clock())
            if cached is None or cached.id == withdrawn.id:
                await self._load()
            return self._chosen(usage)

    def _is_fresh(self, usage: KeyUsage) -> bool:
        now = self._clock()
        if self._fetched_at is None or now - self._fetched_at >= MAX_AGE:
            return False
        return choose(self._keys, usage=usage, now=now) is not None

    async def _renew(self, usage: KeyUsage) -> None:
        try:
            await self._load()
        except TransientError:
            if choose(self._keys, usage=usage, now=self._clock()) is None:
                raise

    async def _load(self) -> None:
        self._keys = await self._fetch()
        self._fetched_at = self._clock()

    def _chosen(self, usage: KeyUsage) -> PublicKey:
        key = choose(self._keys, usage=usage, now=self._clock())
        if key is None:
            raise OperatorNeeded(
                f"KSeF publishes no RSA key for {usage.value} that is valid at {self._clock().isoformat()}; "
                "check this machine's clock first",
                reason_code="no-valid-public-key",
                route=PUBLIC_KEYS.name,
            )
        return key
