"""Signatures over secp256k1. The published signature is in the EIP-712 vectors."""

from __future__ import annotations

from typing import Final

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from valetkey.spec.secp256k1 import (
    CurveError,
    address_of_key,
    address_of_public_key,
    public_key_of,
    recover_address,
    sign_digest,
)

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
DIGEST: Final = bytes(range(32))
SECRET: Final = b"\x46" * 32
keys = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


@given(keys, st.binary(min_size=32, max_size=32))
def test_a_signature_leads_back_to_its_key(secret: bytes, digest: bytes) -> None:
    """Recovery gives the signer's address, ``s`` is low, and signing twice gives the same."""
    signature = sign_digest(digest, secret)
    assert recover_address(digest, signature) == address_of_key(secret)
    assert int.from_bytes(signature[32:64], "big") <= ORDER // 2
    assert sign_digest(digest, secret) == signature


@given(keys)
def test_addresses_and_signatures_are_those_of_eth_account(secret: bytes) -> None:
    """A second implementation gives the same address and the same signature."""
    assert address_of_key(secret).hex() == Account.from_key(secret).address[2:].lower()
    theirs = Account.unsafe_sign_hash(DIGEST, secret)
    assert sign_digest(DIGEST, secret) == bytes(theirs.signature)


def test_the_compressed_key_has_the_same_address() -> None:
    """An address belongs to the point, not to one way of writing it."""
    full = public_key_of(SECRET)
    compressed = bytes((2 + full[64] % 2,)) + full[1:33]
    assert address_of_public_key(compressed) == address_of_public_key(full)


@pytest.mark.parametrize(
    "secret",
    [b"", b"\x01" * 31, b"\x01" * 33, bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32],
)
def test_a_number_that_is_no_key_is_refused(secret: bytes) -> None:
    """A key is 32 bytes between 1 and the order; the error never shows it."""
    with pytest.raises(CurveError) as caught:
        sign_digest(DIGEST, secret)
    assert not secret or secret.hex() not in str(caught.value)


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33)])
def test_a_digest_has_32_bytes(digest: bytes) -> None:
    """Nothing is hashed or padded silently."""
    with pytest.raises(CurveError, match="32"):
        sign_digest(digest, SECRET)
    with pytest.raises(CurveError, match="32"):
        recover_address(digest, sign_digest(DIGEST, SECRET))


def test_the_other_half_of_a_signature_is_refused() -> None:
    """Of the two signatures that each signature implies, only the low one counts."""
    signature = sign_digest(DIGEST, SECRET)
    high = ORDER - int.from_bytes(signature[32:64], "big")
    flipped = signature[:32] + high.to_bytes(32, "big") + bytes((55 - signature[64],))
    with pytest.raises(CurveError, match="lower half"):
        recover_address(DIGEST, flipped)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(64),
        bytes(66),
        bytes(65),
        bytes(64) + b"\x1b",
        b"\xff" * 32 + b"\x01" * 32 + b"\x1b",
    ],
)
def test_bytes_that_are_no_signature_are_refused(signature: bytes) -> None:
    """A wrong length, another ``v``, zeros, numbers beyond the order: errors, not addresses."""
    with pytest.raises(CurveError):
        recover_address(DIGEST, signature)


@pytest.mark.parametrize("key", [b"", bytes(33), bytes(65), b"\x04" + b"\x01" * 64])
def test_bytes_that_are_no_point_have_no_address(key: bytes) -> None:
    """Only a point of the curve is a public key."""
    with pytest.raises(CurveError):
        address_of_public_key(key)
