"""ECDSA over secp256k1 as Ethereum uses it: ``r || s || v``, 65 bytes, ``s`` in the lower half."""

from typing import Final

import coincurve

from valetkey.spec.keccak import keccak256

__all__ = [
    "CurveError",
    "address_of_key",
    "address_of_public_key",
    "public_key_of",
    "recover_address",
    "sign_digest",
]

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_DIGEST_LENGTH: Final = 32
_SIGNATURE_LENGTH: Final = 65
_V_OFFSET: Final = 27
_UNCOMPRESSED: Final = b"\x04"


class CurveError(ValueError):
    """A key, digest or signature that the curve does not accept."""


def sign_digest(digest: bytes, private_key: bytes) -> bytes:
    """
    Return the signature of *digest*: 65 bytes with ``v`` 27 or 28 and low ``s``; always the same.

    Args:
        digest: 32 bytes, already hashed.
        private_key: 32 bytes.

    Raises:
        CurveError: Either has another length, or the key is not between 1 and the group order.

    Spec:
        RFC 6979 (nonce), EIP-2 (low ``s``).
    """
    _check_digest(digest)
    signature = _load(private_key).sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes((signature[64] + _V_OFFSET,))


def recover_address(digest: bytes, signature: bytes) -> bytes:
    """
    Return the 20-byte address whose key made *signature* over *digest*.

    Args:
        digest: 32 bytes, already hashed.
        signature: 65 bytes, ``v`` 27 or 28.

    Raises:
        CurveError: It is no signature at all, or ``s`` lies in the upper half.
    """
    _check_digest(digest)
    if len(signature) != _SIGNATURE_LENGTH:
        raise CurveError(f"signature: expected {_SIGNATURE_LENGTH} bytes, got {len(signature)}")
    v = signature[64]
    if v not in (_V_OFFSET, _V_OFFSET + 1):
        raise CurveError(f"signature v: expected 27 or 28, got {v}")
    if int.from_bytes(signature[32:64], "big") > _ORDER // 2:
        raise CurveError("signature s: expected the lower half, got the upper")
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            signature[:64] + bytes((v - _V_OFFSET,)), digest, hasher=None
        )
    except Exception as error:  # the binding raises bare Exception where libsecp256k1 refuses
        raise CurveError("signature: expected one that a key could have made, got none") from error
    return address_of_public_key(key.format(compressed=False))


def public_key_of(private_key: bytes) -> bytes:
    """
    Return the uncompressed public key: 65 bytes, ``04 || x || y``.

    Raises:
        CurveError: The key has another length, or is not between 1 and the group order.
    """
    return _load(private_key).public_key.format(compressed=False)


def address_of_public_key(public_key: bytes) -> bytes:
    """
    Return the 20-byte address of *public_key*.

    Args:
        public_key: 65 bytes uncompressed or 33 bytes compressed.

    Raises:
        CurveError: It is not a point of the curve.
    """
    try:
        point = coincurve.PublicKey(public_key).format(compressed=False)
    except ValueError as error:
        raise CurveError(
            f"public key: expected a point of secp256k1, got {len(public_key)} bytes that are none"
        ) from error
    return keccak256(point.removeprefix(_UNCOMPRESSED))[12:]


def address_of_key(private_key: bytes) -> bytes:
    """
    Return the 20-byte address of *private_key*.

    Raises:
        CurveError: The key has another length, or is not between 1 and the group order.
    """
    return address_of_public_key(public_key_of(private_key))


def _check_digest(digest: bytes) -> None:
    if len(digest) != _DIGEST_LENGTH:
        raise CurveError(f"digest: expected {_DIGEST_LENGTH} bytes, got {len(digest)}")


def _load(private_key: bytes) -> coincurve.PrivateKey:
    # Checked here because the binding pads a short key, and so that no error shows the key.
    if len(private_key) != _DIGEST_LENGTH or not 0 < int.from_bytes(private_key, "big") < _ORDER:
        raise CurveError(
            "private key: expected 32 bytes between 1 and the group order, got something else"
        )
    return coincurve.PrivateKey(private_key)
