"""Ed25519 by a scalar: what others verify, the same each time, never one nonce for two messages."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey, VerifyKey

from valetkey.spec.ed25519_scalar import ScalarError, public_key_of, sign
from valetkey.spec.shamir import ORDERS

ORDER = ORDERS["ed25519"]
SCALARS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "little"))


@given(SCALARS, st.binary(max_size=200))
def test_two_other_libraries_verify_it(scalar: bytes, message: bytes) -> None:
    """Libsodium and OpenSSL."""
    public_key, signature = public_key_of(scalar), sign(scalar, message)
    VerifyKey(public_key).verify(message, signature)
    Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    assert sign(scalar, message) == signature


@given(SCALARS, st.binary(max_size=64), st.binary(max_size=64), SCALARS)
def test_no_nonce_is_used_twice(scalar: bytes, one: bytes, two: bytes, other: bytes) -> None:
    """Of two messages, or of two keys: with one nonce twice the key could be worked out."""
    if one != two:
        assert sign(scalar, one)[:32] != sign(scalar, two)[:32]
    if scalar != other:
        assert sign(scalar, one)[:32] != sign(other, one)[:32]


def test_the_public_key_is_that_of_the_seed_that_the_scalar_comes_from() -> None:
    """RFC 8032, 5.1.5: a scalar taken from a seed, reduced, has the seed's public key."""
    seed = hashlib.sha256(b"a seed").digest()
    half = bytearray(hashlib.sha512(seed).digest()[:32])
    half[0] &= 248
    half[31] = half[31] & 127 | 64
    scalar = (int.from_bytes(half, "little") % ORDER).to_bytes(32, "little")
    assert public_key_of(scalar) == bytes(SigningKey(seed).verify_key)
    signature = sign(scalar, b"hello")
    SigningKey(seed).verify_key.verify(b"hello", signature)
    assert signature != SigningKey(seed).sign(b"hello").signature  # another prefix, as it must be


@pytest.mark.parametrize(
    "scalar",
    [b"", bytes(32), ORDER.to_bytes(32, "little"), b"\xff" * 32, (1).to_bytes(31, "little")],
    ids=["none", "zero", "the order", "beyond", "short"],
)
def test_what_is_no_scalar_is_refused(scalar: bytes) -> None:
    """It is never reduced in silence: the key would be another one."""
    with pytest.raises(ScalarError):
        public_key_of(scalar)
    with pytest.raises(ScalarError):
        sign(scalar, b"hello")
