"""
What signers tell each other before they sign: commitments to two nonces each (RFC 9591, 5.1).

Scalars and points are libsodium's, 32 bytes each, scalars little-endian.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
)

from valetkey.spec.shamir import ORDERS

__all__ = [
    "COMMITMENT_BYTES",
    "WORD_BYTES",
    "Commitment",
    "FrostError",
    "Nonces",
    "check_scalar",
    "commit",
    "draw_nonces",
    "hash_named",
    "hash_to_scalar",
    "scalar_of",
]

WORD_BYTES: Final = 32
COMMITMENT_BYTES: Final = 3 * WORD_BYTES
_CONTEXT: Final = b"FROST-ED25519-SHA512-v1"
_ORDER: Final = ORDERS["ed25519"]


class FrostError(ValueError):
    """What is no scalar, no point, or no set of signers."""


@dataclass(frozen=True, slots=True)
class Nonces:
    """Two secret scalars, for one signature share and never for another."""

    hiding: bytes = field(repr=False)
    binding: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Commitment:
    """
    What a signer tells of its nonces.

    Args:
        identifier: A scalar that is not 0: the place of its share.
        hiding, binding: Points: the nonces times the base.
    """

    identifier: bytes
    hiding: bytes
    binding: bytes

    def to_bytes(self) -> bytes:
        """Return the three behind each other, as they are hashed: 96 bytes."""
        return self.identifier + self.hiding + self.binding

    @classmethod
    def from_bytes(cls, data: bytes) -> Commitment:
        """
        Return the commitment that `to_bytes` wrote.

        Raises:
            FrostError: It has another length, the identifier is none, or a point is none of the
                group, or its identity.

        Spec:
            RFC 9591 sections 3.1 and 6.1, ``DeserializeElement`` and ``DeserializeScalar``.
        """
        if len(data) != COMMITMENT_BYTES:
            raise FrostError(f"expected {COMMITMENT_BYTES} bytes, got {len(data)}")
        words = (data[at : at + WORD_BYTES] for at in range(0, COMMITMENT_BYTES, WORD_BYTES))
        made = cls(*words)
        check_scalar(made.identifier)
        for point in (made.hiding, made.binding):
            if not crypto_core_ed25519_is_valid_point(point):
                raise FrostError("expected a point of the group, got none")
        return made


def scalar_of(number: int) -> bytes:
    """
    Return *number* as a scalar.

    Raises:
        FrostError: It is not between 0 and the order of the group.
    """
    if not 0 < number < _ORDER:
        raise FrostError("expected a number between 0 and the order of the group, got another")
    return number.to_bytes(WORD_BYTES, "little")


def draw_nonces(share: bytes, randomness: tuple[bytes, bytes]) -> Nonces:
    """
    Return new nonces.

    Args:
        share: Of the key: what saves a signer whose random bytes are bad.
        randomness: Twice 32 random bytes.

    Raises:
        FrostError: They are too few.

    Spec:
        RFC 9591 section 4.1, ``nonce_generate``.
    """
    if any(len(one) != WORD_BYTES for one in randomness):
        raise FrostError(f"expected twice {WORD_BYTES} random bytes, got others")
    hiding, binding = (hash_to_scalar(b"nonce", one + share) for one in randomness)
    return Nonces(hiding, binding)


def commit(identifier: bytes, nonces: Nonces) -> Commitment:
    """
    Return what may be told of *nonces*.

    Raises:
        FrostError: *identifier* is none.

    Spec:
        RFC 9591 section 5.1, ``commit``.
    """
    check_scalar(identifier)
    hiding, binding = (
        crypto_scalarmult_ed25519_base_noclamp(one) for one in (nonces.hiding, nonces.binding)
    )
    return Commitment(identifier, hiding, binding)


def check_scalar(data: bytes) -> None:
    """
    Let pass a scalar that is not 0.

    Raises:
        FrostError: It is none.
    """
    if len(data) != WORD_BYTES or not 0 < int.from_bytes(data, "little") < _ORDER:
        raise FrostError("expected a scalar of 32 bytes between 0 and the order, got another")


def hash_named(name: bytes, data: bytes) -> bytes:
    """Return the RFC's ``H4`` (``msg``) or ``H5`` (``com``), 64 bytes: section 6.1."""
    return hashlib.sha512(_CONTEXT + name + data).digest()


def hash_to_scalar(name: bytes, data: bytes) -> bytes:
    """Return the RFC's ``H1`` (``rho``) or ``H3`` (``nonce``), a scalar: section 6.1."""
    return crypto_core_ed25519_scalar_reduce(hash_named(name, data))
