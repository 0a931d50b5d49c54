"""The installation's own keys: two RSA pairs clients encrypt for, an EC pair that signs receipts, secrets.

Made once and kept in the store, so that a restarted simulator still opens what was encrypted before.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

KeyUsage = Literal["KsefTokenEncryption", "SymmetricKeyEncryption"]

_RSA_BITS = 2048
_VALID_FOR = timedelta(days=5 * 365)
_SECRET_BYTES = 32


class SecretShelf(Protocol):
    """Where keys survive a restart; `store.port.Store` is one."""

    def kept_value(self, name: str) -> bytes | None: ...

    def keep_value(self, name: str, content: bytes) -> None: ...


@dataclass(frozen=True)
class EncryptionKey:
    """An RSA pair that clients encrypt for, with its certificate; ids as KSeF publishes them."""

    usage: KeyUsage
    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey = field(repr=False)

    @property
    def public_key_id(self) -> str:
        """Base64 of the SHA-256 of the SubjectPublicKeyInfo."""
        info = self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return _digest(info)

    @property
    def certificate_id(self) -> str:
        """Base64 of the SHA-256 of the certificate's DER bytes."""
        return _digest(self.certificate.public_bytes(Encoding.DER))

    def decrypt(self, ciphertext: bytes) -> bytes | None:
        """RSAES-OAEP with SHA-256 and MGF1-SHA-256; None when the text was not encrypted for this key."""
        oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
        try:
            return self.private_key.decrypt(ciphertext, oaep)
        except ValueError:
            return None


@dataclass(frozen=True)
class SigningKey:
    """The EC P-256 pair that signs receipts (UPO)."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True)
class KeyRing:
    """All keys of one installation. ``encryption`` is ordered: of one usage, the first is the current key."""

    encryption: tuple[EncryptionKey, ...]
    signing: SigningKey
    bearer_secret: bytes = field(repr=False)
    link_secret: bytes = field(repr=False)

    def for_usage(self, usage: KeyUsage, *, public_key_id: str | None) -> EncryptionKey | None:
        """The key named, or the current one when none is named; None for an unknown or foreign id."""
        for key in self.encryption:
            if key.usage == usage and public_key_id in (None, key.public_key_id):
                return key
        return None


def load_or_create(shelf: SecretShelf, *, now: datetime) -> KeyRing:
    """The shelf's keys, made and kept first if it has none."""
    usages: tuple[KeyUsage, ...] = ("KsefTokenEncryption", "SymmetricKeyEncryption")
    return KeyRing(
        encryption=tuple(_encryption_key(shelf, usage, now=now) for usage in usages),
        signing=_signing_key(shelf, now=now),
        bearer_secret=_kept(shelf, "secret.bearer", lambda: secrets.token_bytes(_SECRET_BYTES)),
        link_secret=_kept(shelf, "secret.link", lambda: secrets.token_bytes(_SECRET_BYTES)),
    )


def _encryption_key(shelf: SecretShelf, usage: KeyUsage, *, now: datetime) -> EncryptionKey:
    name = f"key.{usage}"
    pem = _kept(shelf, name, lambda: _pem(rsa.generate_private_key(65537, _RSA_BITS)))
    private_key = load_pem_private_key(pem, password=None)
    if not isinstance(private_key, rsa.RSAPrivateKey):
        raise TypeError(f"{name} is not an RSA key; remove the data directory to start afresh")
    certificate = _kept_certificate(shelf, name, private_key, now=now)
    return EncryptionKey(usage=usage, certificate=certificate, private_key=private_key)


def _signing_key(shelf: SecretShelf, *, now: datetime) -> SigningKey:
    pem = _kept(shelf, "key.signing", lambda: _pem(ec.generate_private_key(ec.SECP256R1())))
    private_key = load_pem_private_key(pem, password=None)
    if not isinstance(private_key, ec.EllipticCurvePrivateKey):
        raise TypeError("key.signing is not an EC key; remove the data directory to start afresh")
    certificate = _kept_certificate(shelf, "key.signing", private_key, now=now)
    return SigningKey(certificate=certificate, private_key=private_key)


def _kept(shelf: SecretShelf, name: str, make: Callable[[], bytes]) -> bytes:
    content = shelf.kept_value(name)
    if content is None:
        content = make()
        shelf.keep_value(name, content)
    return content


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _kept_certificate(
    shelf: SecretShelf,
    name: str,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    now: datetime,
) -> x509.Certificate:
    der = _kept(shelf, f"{name}.certificate", lambda: _self_signed(key, now=now).public_bytes(Encoding.DER))
    return x509.load_der_x509_certificate(der)


def _self_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, now: datetime) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "PL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "KSeF simulator, not the ministry"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Ministerstwo Finansów"),
        ]
    )
    starts = now.astimezone(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(starts + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
