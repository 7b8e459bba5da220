"""Keys that are numbers, by curve: what shares join to, what they sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import coincurve

from valetkey.core.errors import Code, Unavailable
from valetkey.core.wallet import Curve, PublicKey
from valetkey.spec import ed25519_scalar
from valetkey.spec.shamir import ORDERS

if TYPE_CHECKING:
    from collections.abc import Container

    from valetkey.ports import Entropy

__all__ = ["draw", "public_key_of", "sign"]

_DRAWN_BYTES: Final = 64  # twice the order's length: what is left of a division by it is uniform
_MAX_DRAWS: Final = 16


def draw(curve: Curve, entropy: Entropy, *, but: Container[int] = ()) -> int:
    """
    Return a number below the order of *curve*, each with the same chance, none of *but*.

    Raises:
        Unavailable: ``vault_refused``: *entropy* does not give random bytes.
    """
    for _ in range(_MAX_DRAWS):
        drawn = int.from_bytes(entropy.take(_DRAWN_BYTES)) % ORDERS[curve]
        if drawn not in but:
            return drawn
    raise Unavailable(Code.VAULT_REFUSED, f"expected random bytes, got {_MAX_DRAWS} times others")


def public_key_of(curve: Curve, secret: int) -> PublicKey:
    """Return the public key of *secret*; of 0, which is no key, one that nobody has."""
    if secret == 0:
        return PublicKey(curve, b"")
    if curve is Curve.ED25519:
        return PublicKey(curve, ed25519_scalar.public_key_of(secret.to_bytes(32, "little")))
    data = coincurve.PublicKey.from_secret(secret.to_bytes(32)).format(compressed=True)
    return PublicKey(curve, data)


def sign(curve: Curve, secret: int, message: bytes) -> bytes:
    """
    Return the signature that `Signer` promises; the same each time.

    Spec:
        RFC 6979, ``s`` in the lower half (EIP-2); `valetkey.spec.ed25519_scalar`.
    """
    if curve is Curve.ED25519:
        return ed25519_scalar.sign(secret.to_bytes(32, "little"), message)
    key = coincurve.PrivateKey(secret.to_bytes(32))
    return key.sign_recoverable(message, hasher=None)
