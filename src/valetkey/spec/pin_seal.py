"""
A small secret under a PIN and a factor that somebody else keeps: neither opens it alone.

The key is the HMAC-SHA-256, under the factor, of what Argon2id makes of the PIN. Without the factor
a blob says nothing about the PIN, however short that is. The text is that of
`valetkey.spec.password_seal`, beginning with ``vkn1``; the wallet's id is authenticated, too.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from valetkey.spec.password_seal import (
    MAX_SECRET_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    Cost,
    PasswordError,
    SealError,
    Written,
    stretch,
)

__all__ = ["FACTOR_BYTES", "Opened", "Sealed", "seal", "unseal"]

FACTOR_BYTES: Final = 32
_KIND: Final = "vkn1"
_KEY: Final = b"valetkey pin key v1\0"
_PROOF: Final = b"valetkey pin proof v1\0"


@dataclass(frozen=True, slots=True)
class Sealed:
    """
    A secret under a PIN.

    Args:
        proof: What only who opens it can compute, 32 bytes.
    """

    text: str
    proof: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """What was under a PIN, and the proof of having opened it."""

    secret: bytes = field(repr=False)
    proof: bytes = field(repr=False)


def seal(
    secret: bytes,
    pin: str,
    *,
    factor: bytes,
    wallet_id: str,
    salt: bytes,
    nonce: bytes,
    cost: Cost,
) -> Sealed:
    """
    Return *secret* under *pin* and *factor*.

    Raises:
        SealError: A part has another length.
    """
    if len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES or len(secret) > MAX_SECRET_BYTES:
        raise SealError("expected 16 bytes of salt, 12 of nonce, at most 1024 of secret")
    key = _key(pin, factor, salt, cost)
    written = Written(_KIND, cost, salt, b"")
    sealed = AESGCM(key).encrypt(nonce, secret, _bound(written, wallet_id))
    text = Written(_KIND, cost, salt, nonce + sealed).text
    return Sealed(text, hmac.digest(key, _PROOF, "sha256"))


def unseal(text: str, pin: str, *, factor: bytes, wallet_id: str) -> Opened:
    """
    Return what `seal` was given.

    Raises:
        SealError: *text* is no sealed secret.
        PasswordError: PIN, factor or wallet is another one.
    """
    written = Written.read(text, _KIND)
    key = _key(pin, factor, written.salt, written.cost)
    nonce, sealed = written.data[:NONCE_BYTES], written.data[NONCE_BYTES:]
    try:
        secret = AESGCM(key).decrypt(nonce, sealed, _bound(written, wallet_id))
    except InvalidTag:
        raise PasswordError("expected the PIN that it was sealed under, got another") from None
    return Opened(secret, hmac.digest(key, _PROOF, "sha256"))


def _key(pin: str, factor: bytes, salt: bytes, cost: Cost) -> bytes:
    if len(factor) != FACTOR_BYTES:
        raise SealError(f"expected a factor of {FACTOR_BYTES} bytes, got {len(factor)}")
    return hmac.digest(factor, _KEY + stretch(pin, salt, cost), "sha256")


def _bound(written: Written, wallet_id: str) -> bytes:
    return f"{written.head}.{wallet_id}".encode()
