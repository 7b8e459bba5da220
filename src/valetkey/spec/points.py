"""Public keys as points with two coordinates, which some formats write out."""

from __future__ import annotations

from typing import Final

from coincurve import PublicKey

__all__ = ["ed25519_point", "secp256k1_point"]

_PRIME: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _PRIME) % _PRIME
_ROOT: Final = pow(2, (_PRIME - 1) // 4, _PRIME)
_KEY_BYTES: Final = 32


def secp256k1_point(data: bytes) -> tuple[int, int]:
    """
    Return x and y of a public key in either form of SEC 1.

    Raises:
        ValueError: It is none.
    """
    x, y = PublicKey(data).point()
    return int(x), int(y)


def ed25519_point(data: bytes) -> tuple[int, int]:
    """
    Return x and y of a public key.

    Raises:
        ValueError: It is none.

    Spec:
        RFC 8032, section 5.1.3.
    """
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if len(data) != _KEY_BYTES or y >= _PRIME:
        raise ValueError("expected the 32 bytes of an Ed25519 public key, got other bytes")
    over, under = (y * y - 1) % _PRIME, (_D * y * y + 1) % _PRIME
    x = over * pow(under, 3, _PRIME) * pow(over * pow(under, 7, _PRIME), (_PRIME - 5) // 8, _PRIME)
    x %= _PRIME
    if (under * x * x - over) % _PRIME:
        x = x * _ROOT % _PRIME
    if (under * x * x - over) % _PRIME or (x == 0 and sign):
        raise ValueError("expected a point of the curve, got none")
    return (_PRIME - x if x & 1 != sign else x), y
