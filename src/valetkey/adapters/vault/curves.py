"""
Private keys by curve: 32 bytes each, a scalar (secp256k1, P-256) or an RFC 8032 seed.

RSA keys, which are on none, have a form and a room of their own (`rsa`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import coincurve
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from valetkey.adapters.vault import rsa
from valetkey.core.errors import Code, Unavailable
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import Curve, PublicKey

if TYPE_CHECKING:
    from valetkey.ports import Entropy

__all__ = ["check_message", "is_private_key", "new_private_key", "public_key_of", "sign_with"]

PRIVATE_KEY_BYTES: Final = 32
DIGEST_BYTES: Final = 32
_MAX_DRAWS: Final = 16
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ORDERS: Final = {
    Curve.P256: _P256_ORDER,
    Curve.SECP256K1: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
}
_DETERMINISTIC: Final = ec.ECDSA(SHA256(), deterministic_signing=True)


def is_private_key(curve: Curve, secret: SecretBytes) -> bool:
    """Say whether *secret* is a private key on *curve*: 32 bytes, a scalar within the order."""
    if curve is Curve.RSA:
        return rsa.is_private_key(secret)
    if len(secret) != PRIVATE_KEY_BYTES:
        return False
    return curve is Curve.ED25519 or 0 < int.from_bytes(secret.reveal()) < _ORDERS[curve]


def new_private_key(curve: Curve, entropy: Entropy) -> SecretBytes:
    """
    Draw a private key, each with the same chance: what is beyond the order is drawn again.

    Raises:
        Unavailable: ``vault_refused``: *entropy* does not give random bytes.
    """
    if curve is Curve.RSA:
        return rsa.new_private_key()
    for _ in range(_MAX_DRAWS):
        secret = SecretBytes(entropy.take(PRIVATE_KEY_BYTES))
        if is_private_key(curve, secret):
            return secret
    raise Unavailable(Code.VAULT_REFUSED, f"expected random bytes, got {_MAX_DRAWS} times no key")


def public_key_of(curve: Curve, secret: SecretBytes) -> PublicKey:
    """Return the public key of *secret*, which `is_private_key`."""
    match curve:
        case Curve.SECP256K1:
            data = coincurve.PublicKey.from_secret(secret.reveal()).format(compressed=True)
        case Curve.P256:
            point = _p256(secret).public_key()
            data = point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        case Curve.ED25519:
            data = bytes(SigningKey(secret.reveal()).verify_key)
        case Curve.RSA:
            data = rsa.public_key_of(secret)
    return PublicKey(curve, data)


def check_message(curve: Curve, message: bytes) -> None:
    """
    Let only a digest through to secp256k1: it is signed as it is.

    Raises:
        ValueError: *message* for secp256k1 is not 32 bytes long.
    """
    if curve is Curve.SECP256K1 and len(message) != DIGEST_BYTES:
        raise ValueError(f"expected a digest of {DIGEST_BYTES} bytes, got {len(message)}")


def sign_with(curve: Curve, secret: SecretBytes, message: bytes) -> bytes:
    """
    Return the signature that `Vault.sign` promises; the same each time.

    Spec:
        RFC 6979 for both ECDSA curves, ``s`` in the lower half (EIP-2); RFC 8032 for Ed25519.
    """
    match curve:
        case Curve.SECP256K1:
            return coincurve.PrivateKey(secret.reveal()).sign_recoverable(message, hasher=None)
        case Curve.P256:
            r, s = decode_dss_signature(_p256(secret).sign(message, _DETERMINISTIC))
            return r.to_bytes(32) + min(s, _P256_ORDER - s).to_bytes(32)
        case Curve.ED25519:
            return SigningKey(secret.reveal()).sign(message).signature
        case Curve.RSA:
            return rsa.sign_with(secret, message)


def _p256(secret: SecretBytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(secret.reveal()), ec.SECP256R1())
