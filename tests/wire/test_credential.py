"""Public keys on the wire."""

from __future__ import annotations

import coincurve
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from valetkey.core.errors import Malformed
from valetkey.core.wallet import Curve
from valetkey.wire.credential import PublicKey, read_public_key, write_public_key

P256 = ec.derive_private_key(7, ec.SECP256R1()).public_key()
P256_SHORT = P256.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
P256_LONG = P256.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
SECP256K1 = coincurve.PrivateKey(b"\x07" * 32).public_key


@pytest.mark.parametrize(
    ("curve", "sent", "kept"),
    [
        ("p256", P256_SHORT, P256_SHORT),
        ("p256", P256_LONG, P256_SHORT),
        ("secp256k1", SECP256K1.format(), SECP256K1.format()),
        ("secp256k1", SECP256K1.format(compressed=False), SECP256K1.format()),
    ],
)
def test_a_point_is_kept_compressed(curve: str, sent: bytes, kept: bytes) -> None:
    """One key has one form, so that it is found again."""
    key = read_public_key(
        PublicKey(curve=curve, public_key="0x" + sent.hex()),  # type: ignore[arg-type]
        "key",
    )
    assert (key.curve, key.data) == (Curve(curve), kept)
    assert write_public_key(key) == PublicKey(curve=curve, public_key="0x" + kept.hex())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("curve", "data"),
    [
        ("p256", b""),
        ("p256", P256_SHORT[:-1]),
        ("p256", b"\x02" + b"\xff" * 32),
        ("p256", SECP256K1.format(compressed=False)),
        ("secp256k1", P256_LONG),
        ("ed25519", bytes(32)),
        ("ed25519", b"\x01" + bytes(31)),
        ("ed25519", bytes(31)),
    ],
)
def test_what_is_no_key_on_its_curve_is_refused(curve: str, data: bytes) -> None:
    """A point of small order, or off the curve, would sign for anybody or nobody."""
    key = PublicKey(curve=curve, public_key="0x" + data.hex())  # type: ignore[arg-type]
    with pytest.raises(Malformed, match=r"key\.public_key: expected a public key on"):
        read_public_key(key, "key")
