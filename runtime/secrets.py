"""Secrets: named in configuration, read when needed, sealed when they must be kept.

Sealed values are AES-256-GCM; the associated data binds each to the row it belongs to, so that a copied
ciphertext opens nowhere else.
"""

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from runtime.errors import ConfigurationError, OperatorNeeded

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


def resolve(reference: str) -> SecretStr:
    """The secret behind ``file:PATH`` or ``env:NAME``. Raises :class:`OperatorNeeded`."""
    kind, _, name = reference.partition(":")
    try:
        text = Path(name).read_text("utf-8") if kind == "file" else os.environ[name]
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise OperatorNeeded(f"cannot read the secret {reference}: {type(error).__name__}") from None
    if not text.strip():
        raise OperatorNeeded(f"the secret {reference} is empty")
    return SecretStr(text.strip())


def new_key() -> str:
    """A master key for ``KSEF_SECRETS__MASTER_KEY``."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


class Sealer:
    """Seals small secrets under the installation's master key."""

    def __init__(self, master_key: SecretStr | None) -> None:
        if master_key is None:
            raise ConfigurationError(
                "KSEF_SECRETS__MASTER_KEY: is not set; `ksef-courier secrets new-key` makes one"
            )
        try:
            key = base64.b64decode(master_key.get_secret_value(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != _KEY_BYTES:
            raise ConfigurationError("KSEF_SECRETS__MASTER_KEY: must be 32 bytes in Base64")
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, *, bound_to: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, bound_to.encode())

    def unseal(self, sealed: bytes, *, bound_to: str) -> bytes:
        """The plain bytes. Raises :class:`OperatorNeeded` under another key or for another row."""
        version, nonce, ciphertext = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if version != _VERSION:
            raise OperatorNeeded(f"a sealed value has form {version.hex()!r}, not {_VERSION.hex()!r}")
        try:
            return self._cipher.decrypt(nonce, ciphertext, bound_to.encode())
        except (InvalidTag, ValueError):
            raise OperatorNeeded(
                "a sealed value does not open: is KSEF_SECRETS__MASTER_KEY the same?"
            ) from None
