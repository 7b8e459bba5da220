"""RSA keys of 2048 bits, which tokens of vendors' surfaces are signed with."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from valetkey.core.secret_bytes import SecretBytes

__all__ = ["is_private_key", "new_private_key", "public_key_of", "sign_with"]

BITS: Final = 2048
_EXPONENT: Final = 65_537


def is_private_key(secret: SecretBytes) -> bool:
    """Say whether *secret* is such a key: PKCS #8, in DER."""
    try:
        return _parsed(secret).key_size == BITS
    except ValueError:
        return False


def new_private_key() -> SecretBytes:
    """
    Return a new key.

    Its primes are drawn by the library, from the operating system: no other source can be given.
    """
    key = rsa.generate_private_key(_EXPONENT, BITS)
    return SecretBytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def public_key_of(secret: SecretBytes) -> bytes:
    """Return its public key: SubjectPublicKeyInfo, in DER."""
    return (
        _parsed(secret).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


def sign_with(secret: SecretBytes, message: bytes) -> bytes:
    """
    Return a signature of 256 bytes over *message*; the same each time.

    Spec:
        RFC 8017, section 8.2 (RSASSA-PKCS1-v1_5) with SHA-256; ``RS256`` of RFC 7518.
    """
    return _parsed(secret).sign(message, padding.PKCS1v15(), SHA256())


def _parsed(secret: SecretBytes) -> rsa.RSAPrivateKey:
    try:
        key = load_der_private_key(secret.reveal(), password=None)
    except TypeError:  # it is encrypted
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("expected an RSA key in PKCS #8, got something else")  # noqa: TRY004
    return key
