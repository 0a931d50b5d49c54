"""The cryptography of a session: AES-256-CBC for documents, RSA-OAEP for keys, SHA-256 for hashes.

Invariant: the ciphertext is pure CBC output, its length (size // 16 + 1) * 16; the initialization vector
travels only in the request that opens the session. One key and vector serve all documents of a session:
that is how the protocol works.
"""

import base64
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, Self, SupportsIndex

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from ksef.identifiers import sha256_base64

KEY_BYTES = 32
IV_BYTES = 16
_BLOCK_BITS = 128


@dataclass(frozen=True, slots=True)
class EncryptedInvoice:
    """A document ready to be sent: what ``POST …/invoices`` wants to know of it.

    ``invoice_hash`` (SHA-256 of the plain bytes, Base64) is the only reliable key for finding the invoice in
    a session again: keep it with the bytes before sending.
    """

    invoice_hash: str
    invoice_size: int
    ciphertext: bytes = field(repr=False)
    encrypted_hash: str

    @property
    def encrypted_size(self) -> int:
        return len(self.ciphertext)


class SessionKey:
    """The symmetric key and initialization vector of one session.

    Keep both durably before the session is opened: without them an open session is useless.
    """

    __slots__ = ("_iv", "_key")

    def __init__(self, key: bytes, iv: bytes) -> None:
        if len(key) != KEY_BYTES or len(iv) != IV_BYTES:
            raise ValueError(f"session key: {KEY_BYTES} bytes of key and {IV_BYTES} of vector are needed")
        self._key = key
        self._iv = iv

    @classmethod
    def generate(cls, random: Callable[[int], bytes] = os.urandom) -> Self:
        return cls(random(KEY_BYTES), random(IV_BYTES))

    def reveal(self) -> tuple[bytes, bytes]:
        """(key, vector): for the line that stores them, nothing else."""
        return self._key, self._iv

    @property
    def vector_base64(self) -> str:
        return base64.b64encode(self._iv).decode("ascii")

    def encrypt(self, content: bytes) -> bytes:
        padder = PKCS7(_BLOCK_BITS).padder()
        encryptor = Cipher(AES256(self._key), CBC(self._iv)).encryptor()
        return encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Raises ValueError if this is not the output of ``encrypt`` under the same key."""
        decryptor = Cipher(AES256(self._key), CBC(self._iv)).decryptor()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        return unpadder.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpadder.finalize()

    def encrypt_invoice(self, xml: bytes) -> EncryptedInvoice:
        """Hash and encrypt the exact bytes (3 ms per MB of CPU). Raises ValueError for an empty document."""
        if not xml:
            raise ValueError("an empty document cannot be sent")
        ciphertext = self.encrypt(xml)
        return EncryptedInvoice(sha256_base64(xml), len(xml), ciphertext, sha256_base64(ciphertext))

    def wrap(self, public_key: rsa.RSAPublicKey) -> str:
        """The key for the holder of ``public_key``, Base64."""
        return encrypt_for(public_key, self._key)

    def __repr__(self) -> str:
        return "<SessionKey: hidden>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SessionKey):
            return NotImplemented
        return hmac.compare_digest(self._key + self._iv, other._key + other._iv)

    def __hash__(self) -> int:
        return hash((self._key, self._iv))

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("SessionKey is never pickled or copied: hand the object on, or store reveal()")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _oaep() -> OAEP:
    # Both hashes must be SHA-256; a library default of SHA-1 for MGF1 is refused by KSeF.
    return OAEP(mgf=MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def encrypt_for(public_key: rsa.RSAPublicKey, secret: bytes) -> str:
    """RSAES-OAEP with SHA-256 and MGF1-SHA-256, in Base64."""
    return base64.b64encode(public_key.encrypt(secret, _oaep())).decode("ascii")


_NIST_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
_NIST_IV = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
_NIST_PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
_NIST_CIPHER = bytes.fromhex("f58c4c04d6e5f1ba779eabfb5f7bfbd6")
_KSEF_HASH = "aLPQeU4oe2E9f/0NIzMrvgbsut7r0ZpZAe1sj9zBp8M="


def self_test() -> None:
    """Check this machine's cryptography once, at start (about 0.1 s: an RSA key is made).

    AES against the first block of NIST SP 800-38A F.2.5, SHA-256 against the hash of ``KSeF``, OAEP by a
    round trip. Raises RuntimeError naming what is wrong: better than a session that KSeF cannot decrypt.
    """
    if SessionKey(_NIST_KEY, _NIST_IV).encrypt(_NIST_PLAIN)[:16] != _NIST_CIPHER:
        raise RuntimeError("crypto self-test: AES-256-CBC gives a wrong result on this machine")
    if sha256_base64(b"KSeF") != _KSEF_HASH:
        raise RuntimeError("crypto self-test: SHA-256 gives a wrong result on this machine")
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    wrapped = base64.b64decode(encrypt_for(private.public_key(), _NIST_KEY))
    if private.decrypt(wrapped, _oaep()) != _NIST_KEY:
        raise RuntimeError("crypto self-test: RSA-OAEP with SHA-256 does not work on this machine")
