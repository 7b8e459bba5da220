"""Public keys and the signatures by them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from valetkey.spec.keys import PublicKeyError, canonical_public_key, verify

VECTORS: Final = json.loads((Path(__file__).parent / "vectors" / "rfc9421_keys.json").read_text())
SIGNATURES: Final = VECTORS["signatures"]
ORDERS: Final = {
    "p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
}


@dataclass(frozen=True)
class Key:
    """A public key as the codec sees one."""

    curve: str
    data: bytes


def parts_of(vector: dict[str, Any]) -> tuple[Key, bytes, bytes]:
    """Return public key, message and signature."""
    key = Key(vector["curve"], bytes.fromhex(vector["public_key"]))
    return key, bytes.fromhex(vector["message"]), bytes.fromhex(vector["signature"])


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda v: v["source"])
def test_the_signatures_of_the_standards_verify(vector: dict[str, Any]) -> None:
    """Each curve is the one of its standard."""
    key, message, signature = parts_of(vector)
    assert verify(key, message, signature)
    assert not verify(key, message + b"\x00", signature)


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda v: v["source"])
def test_any_flipped_bit_of_a_signature_is_noticed(vector: dict[str, Any]) -> None:
    """There is one signature, not many that look alike."""
    key, message, signature = parts_of(vector)
    for bit in range(0, 512, 7):
        flipped = int.from_bytes(signature) ^ (1 << bit)
        assert not verify(key, message, flipped.to_bytes(64))


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda v: v["source"])
def test_a_signature_of_another_length_is_none(vector: dict[str, Any]) -> None:
    """64 bytes on every curve; nothing is cut and nothing is filled up."""
    key, message, signature = parts_of(vector)
    for other in (b"", signature[:-1], signature + b"\x00", signature + signature):
        assert not verify(key, message, other)


@pytest.mark.parametrize("vector", SIGNATURES[:2], ids=lambda v: v["source"])
def test_r_and_s_are_between_one_and_the_order(vector: dict[str, Any]) -> None:
    """SEC 1 section 4.1.4: zero and values beyond the order are no signature."""
    key, message, signature = parts_of(vector)
    order = ORDERS[key.curve]
    r, s = signature[:32], signature[32:]
    bad = [value.to_bytes(32) for value in (0, order, 2**256 - 1)]
    if int.from_bytes(s) + order < 2**256:
        bad.append((int.from_bytes(s) + order).to_bytes(32))
    for value in bad:
        assert not verify(key, message, value + s)
        assert not verify(key, message, r + value)


def test_secp256k1_has_one_signature_for_a_message() -> None:
    """The mirrored ``s`` is refused, as on Ethereum (EIP-2); P-256 keys in browsers make both."""
    for vector, mirrored_verifies in zip(SIGNATURES, (True, False), strict=False):
        key, message, signature = parts_of(vector)
        mirrored = (ORDERS[key.curve] - int.from_bytes(signature[32:])).to_bytes(32)
        assert verify(key, message, signature[:32] + mirrored) is mirrored_verifies


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda v: v["source"])
def test_a_key_has_one_canonical_form(vector: dict[str, Any]) -> None:
    """A browser exports 65 bytes of a point; what is kept and compared has 33."""
    data = bytes.fromhex(vector["public_key"])
    assert canonical_public_key(vector["curve"], data) == data
    if vector["uncompressed"]:
        whole = bytes.fromhex(vector["uncompressed"])
        assert canonical_public_key(vector["curve"], whole) == data
        with pytest.raises(PublicKeyError, match="expected a public key"):
            verify(Key(vector["curve"], whole), b"", bytes(64))


@pytest.mark.parametrize("vector", VECTORS["refused_keys"], ids=lambda v: v["why"])
def test_what_is_no_public_key_is_refused(vector: dict[str, Any]) -> None:
    """Off the curve, of small order, or written otherwise: no key, and no signature by it."""
    data = bytes.fromhex(vector["data"])
    with pytest.raises(PublicKeyError, match="expected"):
        canonical_public_key(vector["curve"], data)
    with pytest.raises(PublicKeyError, match="expected"):
        verify(Key(vector["curve"], data), b"message", b"\x01" * 64)
