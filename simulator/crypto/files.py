"""Invoice files: AES-256-CBC with PKCS#7 padding, and SHA-256 in Base64.

The ciphertext is pure CBC output: the initialisation vector travels in the session, never in front.
"""

import base64
import hashlib

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

AES_KEY_BYTES = 32
IV_BYTES = 16


def sha256_base64(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def decrypt_file(ciphertext: bytes, *, key: bytes, iv: bytes) -> bytes | None:
    """The plain file, or None when key, vector or padding do not fit."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(algorithms.AES.block_size).unpadder()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return None
