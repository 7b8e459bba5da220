"""Keys of holders, and the requests that they sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import coincurve
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from valetkey.core.stamp import Stamp
from valetkey.core.wallet import Curve, PublicKey

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

COVERED: Final = frozenset({"@method", "@path", "@query"})


def public_key(curve: Curve, secret: bytes) -> PublicKey:
    """Return the public half of *secret*, 32 bytes."""
    if curve is Curve.SECP256K1:
        return PublicKey(curve, coincurve.PrivateKey(secret).public_key.format())
    point = _p256(secret).public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return PublicKey(curve, point)


def sign(curve: Curve, secret: bytes, message: bytes) -> bytes:
    """Return r and s over SHA-256 of *message*, 64 bytes."""
    if curve is Curve.SECP256K1:
        der = coincurve.PrivateKey(secret).sign(message)
    else:
        der = _p256(secret).sign(message, ec.ECDSA(SHA256()))
    r, s = decode_dss_signature(der)
    return r.to_bytes(32) + s.to_bytes(32)


def make_stamp(  # noqa: PLR0913 - a signed request has that many parts
    key_id: str,
    secret: bytes,
    *,
    created: int | None,
    nonce: str | None = "nonce-of-16-chars",
    curve: Curve = Curve.P256,
    algorithm: str | None = None,
    components: AbstractSet[str] = COVERED,
    target: str = "/v1/session",
    has_body: bool = False,
) -> Stamp:
    """Return a request to *target*, signed."""
    base = f"{sorted(components)} {target} {created} {nonce} {key_id} {algorithm}".encode()
    return Stamp(
        key_id=key_id,
        algorithm=algorithm,
        components=frozenset(components),
        created=created,
        nonce=nonce,
        base=base,
        signature=sign(curve, secret, base),
        has_body=has_body,
    )


def _p256(secret: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(secret), ec.SECP256R1())
