"""AES-256-GCM, nonce first, bound to what the ciphertext is for."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from valetkey.core.secret_bytes import SecretBytes

__all__ = ["KEY_BYTES", "NONCE_BYTES", "OVERHEAD_BYTES", "bind", "decrypt", "encrypt"]

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
OVERHEAD_BYTES: Final = NONCE_BYTES + 16


def bind(purpose: str, *parts: str | bytes) -> bytes:
    """Return associated data that says *parts* in this order and no others."""
    encoded = [part.encode() if isinstance(part, str) else part for part in (purpose, *parts)]
    return b"valetkey vault" + b"".join(len(part).to_bytes(4) + part for part in encoded)


def encrypt(key: SecretBytes, plain: SecretBytes, *, bound: bytes, nonce: bytes) -> bytes:
    """
    Return *nonce*, ciphertext and tag.

    Args:
        key: 32 bytes.
        nonce: 12 bytes that were never used with *key*.
    """
    return nonce + AESGCM(key.reveal()).encrypt(nonce, plain.reveal(), bound)


def decrypt(key: SecretBytes, blob: bytes, *, bound: bytes) -> SecretBytes | None:
    """Return what `encrypt` was given, or None if key, blob or *bound* differ in a single bit."""
    if len(blob) < OVERHEAD_BYTES:
        return None
    nonce, sealed = blob[:NONCE_BYTES], blob[NONCE_BYTES:]
    try:
        return SecretBytes(AESGCM(key.reveal()).decrypt(nonce, sealed, bound))
    except InvalidTag:
        return None
