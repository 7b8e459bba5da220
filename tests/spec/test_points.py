"""Coordinates of public keys against those of the base points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from valetkey.spec.points import ed25519_point, secp256k1_point

VECTORS = json.loads((Path(__file__).parent / "vectors" / "points.json").read_text())
READ = {"ed25519": ed25519_point, "secp256k1": secp256k1_point}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["curve"])
def test_a_base_point_has_its_coordinates(vector: dict[str, str]) -> None:
    """Both of them, as the standard writes them."""
    found = READ[vector["curve"]](bytes.fromhex(vector["data"]))
    assert found == (int(vector["x"]), int(vector["y"]))


def test_the_sign_bit_picks_the_other_point() -> None:
    """RFC 8032, 5.1.3: the same y, and x turned round."""
    x, y = ed25519_point(b"\x58" + b"\x66" * 31)
    assert ed25519_point(b"\x58" + b"\x66" * 30 + b"\xe6") == (2**255 - 19 - x, y)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x02" + bytes(31), b"\xff" * 32, b"\x01" + bytes(30) + b"\x80", bytes(33)],
    ids=["nothing", "no point", "too large", "a zero with a sign", "too long"],
)
def test_what_is_no_public_key_is_refused(data: bytes) -> None:
    """On neither curve."""
    with pytest.raises(ValueError, match="expected"):
        ed25519_point(data)
    with pytest.raises(ValueError, match="public key"):
        secp256k1_point(data)
