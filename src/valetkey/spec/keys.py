"""
Public keys as bytes (SEC 1 compressed points, RFC 8032 keys), and signatures by them.

A parsed key is kept: parsing a compressed P-256 point costs more than half a verification.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import coincurve
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PublicKeyError", "PublicKeyLike", "canonical_public_key", "p256_point", "verify"]

SIGNATURE_BYTES: Final = 64
_MAX_KEPT_KEYS: Final = 4096
_ED25519_BYTES: Final = 32
_COMPRESSED_BYTES: Final = 33
_UNCOMPRESSED_BYTES: Final = 65
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_ECDSA_SHA256: Final = ec.ECDSA(SHA256())


class PublicKeyError(ValueError):
    """Bytes that are no public key of the curve that they are said to be on."""


class PublicKeyLike(Protocol):
    """
    A curve by name (``p256``, ``secp256k1`` or ``ed25519``), and the key.

    ``data`` is a compressed point of 33 bytes, or the 32 bytes of an Ed25519 key.
    """

    @property
    def curve(self) -> str:
        """The name of the curve."""

    @property
    def data(self) -> bytes:
        """The key."""


def verify(public_key: PublicKeyLike, message: bytes, signature: bytes) -> bool:
    """
    Say whether *signature* over *message* was made by the holder of *public_key*.

    Args:
        public_key: Parsed once and kept.
        message: The bytes themselves; ECDSA hashes them with SHA-256.
        signature: 64 bytes. ``r`` and ``s`` for ECDSA; a secp256k1 ``s`` in the upper half is
            not accepted, so that one message has one signature.

    Raises:
        PublicKeyError: *public_key* is none.

    Spec:
        RFC 9421 sections 3.3.4 (P-256) and 3.3.6 (Ed25519); SEC 1 for secp256k1.
    """
    if len(signature) != SIGNATURE_BYTES:
        return False
    return _parsed(public_key.curve, public_key.data)(message, signature)


def canonical_public_key(curve: str, data: bytes) -> bytes:
    """
    Return *data* as this project keeps it: a compressed point, or the 32 bytes of Ed25519.

    Args:
        curve: ``p256``, ``secp256k1`` or ``ed25519``.
        data: A point in either form of SEC 1 (33 or 65 bytes), or 32 bytes.

    Raises:
        PublicKeyError: It is not a key on *curve*, or one of small order.
    """
    if curve == "ed25519":
        _parsed(curve, data)
        return data
    if len(data) == _UNCOMPRESSED_BYTES and data[0] == 4:  # noqa: PLR2004 - SEC 1, 2.3.3
        data = _compress(curve, data)
    _parsed(curve, data)
    return data


def p256_point(data: bytes) -> bytes:
    """
    Return x and y, 32 bytes each, of the compressed P-256 point *data*.

    Raises:
        PublicKeyError: It is none.
    """
    _parsed("p256", data)
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


def _compress(curve: str, point: bytes) -> bytes:
    try:
        if curve == "secp256k1":
            return coincurve.PublicKey(point).format(compressed=True)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    except ValueError:
        raise _no_key(curve, point) from None


@lru_cache(maxsize=_MAX_KEPT_KEYS)
def _parsed(curve: str, data: bytes) -> Callable[[bytes, bytes], bool]:
    parse = _PARSERS.get(curve)
    if parse is None:
        raise PublicKeyError(f"expected one of {sorted(_PARSERS)}, got {curve[:20]!r}")
    return parse(data)


def _p256(data: bytes) -> Callable[[bytes, bytes], bool]:
    try:
        _check_compressed("p256", data)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        raise _no_key("p256", data) from None

    def check(message: bytes, signature: bytes) -> bool:
        der = _der(signature, order=_P256_ORDER, max_s=_P256_ORDER - 1)
        if der is None:
            return False
        try:
            key.verify(der, message, _ECDSA_SHA256)
        except InvalidSignature:
            return False
        return True

    return check


def _secp256k1(data: bytes) -> Callable[[bytes, bytes], bool]:
    try:
        _check_compressed("secp256k1", data)
        key = coincurve.PublicKey(data)
    except ValueError:
        raise _no_key("secp256k1", data) from None

    def check(message: bytes, signature: bytes) -> bool:
        der = _der(signature, order=_SECP256K1_ORDER, max_s=_SECP256K1_ORDER // 2)
        return der is not None and key.verify(der, message)

    return check


def _ed25519(data: bytes) -> Callable[[bytes, bytes], bool]:
    # In the group of prime order and canonical: a key of small order signs anything.
    if len(data) != _ED25519_BYTES or not crypto_core_ed25519_is_valid_point(data):
        raise _no_key("ed25519", data)

    def check(message: bytes, signature: bytes) -> bool:
        try:
            crypto_sign_open(signature + message, data)
        except BadSignatureError:
            return False
        return True

    return check


_PARSERS: Final = {"p256": _p256, "secp256k1": _secp256k1, "ed25519": _ed25519}


def _check_compressed(curve: str, data: bytes) -> None:
    if len(data) != _COMPRESSED_BYTES or data[0] not in {2, 3}:
        raise _no_key(curve, data)


def _der(signature: bytes, *, order: int, max_s: int) -> bytes | None:
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    return encode_dss_signature(r, s) if 0 < r < order and 0 < s <= max_s else None


def _no_key(curve: str, data: bytes) -> PublicKeyError:
    form = "32 bytes" if curve == "ed25519" else "a point in SEC 1 form"
    return PublicKeyError(f"expected a public key on {curve} ({form}), got {len(data)} other bytes")
