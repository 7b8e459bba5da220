"""
Ed25519 with a key that is a scalar and has no seed: what shares of a key join to.

RFC 8032 takes the scalar and a secret prefix from one seed; the nonce is a hash of prefix and
message. Here the prefix is a hash of the scalar itself, under a name of its own. So the nonce is
the same for the same message, differs for another one, and is as secret as the key: nobody can
compute it who could not sign. What comes out is an ordinary signature; every verifier takes it.
"""

from __future__ import annotations

import hashlib
from typing import Final

from nacl.bindings import (
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
)

from valetkey.spec.shamir import ORDERS

__all__ = ["SCALAR_BYTES", "ScalarError", "public_key_of", "sign"]

SCALAR_BYTES: Final = 32
_PREFIX: Final = b"valetkey ed25519 scalar nonce prefix v1"
_NONCE: Final = b"valetkey ed25519 scalar nonce v1"


class ScalarError(ValueError):
    """Bytes that are no private scalar."""


def public_key_of(scalar: bytes) -> bytes:
    """
    Return the 32 bytes of the point *scalar* times the base.

    Args:
        scalar: 32 bytes, little-endian, 1 to the order of the group less 1.

    Raises:
        ScalarError: It is none.
    """
    _check(scalar)
    return crypto_scalarmult_ed25519_base_noclamp(scalar)


def sign(scalar: bytes, message: bytes) -> bytes:
    """
    Return the signature of *message*, 64 bytes; always the same.

    Args:
        scalar: As in `public_key_of`.

    Raises:
        ScalarError: It is none.

    Spec:
        RFC 8032 section 5.1.6, with 1. and 2. as the module says.
    """
    public_key = public_key_of(scalar)
    prefix = hashlib.sha512(_PREFIX + scalar).digest()[SCALAR_BYTES:]  # 1
    nonce = crypto_core_ed25519_scalar_reduce(  # 2
        hashlib.sha512(_NONCE + prefix + public_key + message).digest()
    )
    commitment = crypto_scalarmult_ed25519_base_noclamp(nonce)  # 3
    challenge = crypto_core_ed25519_scalar_reduce(  # 4
        hashlib.sha512(commitment + public_key + message).digest()
    )
    response = crypto_core_ed25519_scalar_add(  # 5
        nonce, crypto_core_ed25519_scalar_mul(challenge, scalar)
    )
    return commitment + response


def _check(scalar: bytes) -> None:
    is_scalar = len(scalar) == SCALAR_BYTES
    if not is_scalar or not 0 < int.from_bytes(scalar, "little") < ORDERS["ed25519"]:
        raise ScalarError("expected a scalar of 32 bytes between 0 and the order, got another")
