"""P-256 keys of holders, as a browser makes them, and what they are given to sign."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.leaks import secret
from valetkey import (
    P256SessionKey,
)

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Mirrored(P256SessionKey):
    """A key whose signatures of runs have their ``s`` in the half that is asked for."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, is_high: bool) -> None:
        super().__init__(key)
        self._is_high = is_high

    def sign_digest(self, digest: bytes) -> bytes:
        """Return r and s, or r and the order less s."""
        signature = super().sign_digest(digest)
        s = int.from_bytes(signature[32:])
        s = max(s, ORDER - s) if self._is_high else min(s, ORDER - s)
        return signature[:32] + s.to_bytes(32)


class Recording(P256SessionKey):
    """A key that keeps what it was given to sign."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        super().__init__(key)
        self.requests: list[bytes] = []
        self.digests: list[bytes] = []

    def sign_digest(self, digest: bytes) -> bytes:
        """Keep *digest*."""
        self.digests.append(digest)
        return super().sign_digest(digest)

    def sign_message(self, message: bytes) -> bytes:
        """Keep *message*, unless it is a digest."""
        if message not in self.digests and message not in self.requests:
            self.requests.append(message)
        return super().sign_message(message)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a key as a browser makes one."""
    key = ec.generate_private_key(ec.SECP256R1())
    secret(key.private_numbers().private_value.to_bytes(32))
    return key


def point_of(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the point as WebCrypto exports it (``raw``): 65 bytes, in hex."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return f"0x{point.hex()}"
