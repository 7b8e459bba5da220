"""FROST(Ed25519, SHA-512): the RFC's own figures, any two of three shares, and what is refused."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import assume, given
from hypothesis import strategies as st
from nacl.signing import VerifyKey

from valetkey.spec.rfc9591 import (
    aggregate,
    is_share_of,
    open_round,
    sign_share,
    verifying_share_at,
    verifying_share_of,
)
from valetkey.spec.rfc9591_commit import (
    Commitment,
    FrostError,
    Nonces,
    commit,
    draw_nonces,
    scalar_of,
)
from valetkey.spec.shamir import ORDERS, Point, on_line

if TYPE_CHECKING:
    from collections.abc import Sequence

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "rfc9591.json").read_text()
)
KEY, MESSAGE = (bytes.fromhex(VECTOR[name]) for name in ("group_public_key", "message"))
ORDER = ORDERS["ed25519"]
NUMBERS = st.integers(1, ORDER - 1)
RANDOM = st.tuples(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))


def of(signer: str, name: str) -> bytes:
    """Return what the vector says of a signer."""
    return bytes.fromhex(VECTOR["signers"][signer][name])


def share_of(signer: str) -> bytes:
    """Return its share of the key."""
    return bytes.fromhex(VECTOR["shares"][signer])


def nonces_of(signer: str) -> Nonces:
    """Return its nonces, worked out."""
    randomness = (of(signer, "hiding_randomness"), of(signer, "binding_randomness"))
    return draw_nonces(share_of(signer), randomness)


def commitment_of(signer: str) -> Commitment:
    """Return what it tells of them."""
    return commit(scalar_of(int(signer)), nonces_of(signer))


COMMITMENTS = [commitment_of("3"), commitment_of("1")]


@pytest.mark.parametrize("signer", ["1", "3"])
def test_a_signer_has_the_figures_of_the_standard(signer: str) -> None:
    """Nonces, commitments, binding factor, signature share: each as appendix E.1 has it."""
    nonces, told = nonces_of(signer), commitment_of(signer)
    assert nonces == Nonces(of(signer, "hiding_nonce"), of(signer, "binding_nonce"))
    assert (told.hiding, told.binding) == (of(signer, "hiding"), of(signer, "binding"))
    signing = open_round(KEY, COMMITMENTS, MESSAGE)
    assert signing.factor_of(told.identifier) == of(signer, "factor")
    made = sign_share(signing, told.identifier, share_of(signer), nonces)
    assert made == of(signer, "signature_share")
    due = signing.due_from(told.identifier, verifying_share_of(share_of(signer)))
    assert is_share_of(due, made)


def test_the_shares_add_up_to_the_signature_of_the_standard() -> None:
    """It is an Ed25519 signature that libsodium and OpenSSL take."""
    signing = open_round(KEY, COMMITMENTS, MESSAGE)
    shares = [of(one, "signature_share") for one in ("1", "3")]
    signature = aggregate(signing.commitment, shares)
    assert signature == bytes.fromhex(VECTOR["signature"])
    assert is_share_of(signing.whole, signature[32:])
    VerifyKey(KEY).verify(MESSAGE, signature)
    Ed25519PublicKey.from_public_bytes(KEY).verify(signature, MESSAGE)


def test_the_shares_of_the_standard_are_shares_of_shamir() -> None:
    """Appendix C: the same line, so that shares made for joining sign apart as they are."""
    secret, slope = (
        int.from_bytes(bytes.fromhex(VECTOR[name]), "little")
        for name in ("group_secret_key", "slope")
    )
    assert verifying_share_of(scalar_of(secret)) == KEY
    for signer in ("1", "2", "3"):
        point = on_line(secret, slope, int(signer), order=ORDER)
        assert scalar_of(point.y) == share_of(signer)


def test_a_verifying_share_is_known_without_the_share() -> None:
    """Whoever has the key's point and one share knows the point of each other share."""
    known = (scalar_of(1), verifying_share_of(share_of("1")))
    for signer in ("2", "3"):
        found = verifying_share_at(KEY, known, scalar_of(int(signer)))
        assert found == verifying_share_of(share_of(signer))


def signed(points: Sequence[Point], message: bytes, drawn: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the signature by shares at *points*, each share seen to be right."""
    public_key = verifying_share_of(scalar_of(_secret(points)))
    held = [(scalar_of(one.x), scalar_of(one.y)) for one in points]
    nonces = [draw_nonces(y, one) for (_, y), one in zip(held, drawn, strict=True)]
    told = [commit(x, one) for (x, _), one in zip(held, nonces, strict=True)]
    signing = open_round(public_key, told, message)
    shares = [sign_share(signing, x, y, one) for (x, y), one in zip(held, nonces, strict=True)]
    for (x, y), share in zip(held, shares, strict=True):
        assert is_share_of(signing.due_from(x, verifying_share_of(y)), share)
    return aggregate(signing.commitment, shares)


def _secret(points: Sequence[Point]) -> int:
    one, two = points[:2]
    slope = (two.y - one.y) * pow(two.x - one.x, -1, ORDER)
    return (one.y - slope * one.x) % ORDER


@given(NUMBERS, NUMBERS, st.lists(NUMBERS, min_size=3, max_size=3, unique=True), RANDOM, RANDOM)
def test_any_two_of_three_shares_sign(
    secret: int, slope: int, places: list[int], one: tuple[bytes, bytes], two: tuple[bytes, bytes]
) -> None:
    """At random places, which is where our shares are."""
    points = [on_line(secret, slope, x, order=ORDER) for x in places]
    assume(all(one.y for one in points))  # 0 is refused: no line that is drawn comes to it
    public_key = verifying_share_of(scalar_of(secret))
    for pair in combinations(points, 2):
        VerifyKey(public_key).verify(b"hello", signed(pair, b"hello", (one, two)))


def test_three_of_three_sign_too() -> None:
    """The threshold is the least, not the only number."""
    points = [Point(at, int.from_bytes(share_of(str(at)), "little")) for at in (1, 2, 3)]
    drawn = [(bytes([at]) * 32, bytes([at + 9]) * 32) for at in (1, 2, 3)]
    VerifyKey(KEY).verify(MESSAGE, signed(points, MESSAGE, drawn))


@pytest.mark.parametrize("changed", ["message", "key", "commitment", "share", "nonces' share"])
def test_a_signature_share_is_for_one_round(changed: str) -> None:
    """Of another message, key, commitment or share, it is found to be wrong before it is added."""
    other = draw_nonces(share_of("3"), (b"\x01" * 32, b"\x02" * 32))
    elsewhere = commit(scalar_of(3), other)
    told = [commitment_of("1"), elsewhere] if changed == "commitment" else COMMITMENTS
    key = verifying_share_of(share_of("2")) if changed == "key" else KEY
    signing = open_round(key, told, b"other" if changed == "message" else MESSAGE)
    holder = "2" if changed == "share" else "1"
    due = signing.due_from(scalar_of(1), verifying_share_of(share_of(holder)))
    given = of("3", "signature_share") if changed == "nonces' share" else of("1", "signature_share")
    assert not is_share_of(due, given)


@pytest.mark.parametrize(
    "share", [b"", bytes(32), ORDER.to_bytes(32, "little"), b"\xff" * 32, b"\x01" * 33]
)
def test_what_is_no_scalar_is_no_signature_share(share: bytes) -> None:
    """Nor one that is the order larger: a signature has one form."""
    signing = open_round(KEY, COMMITMENTS, MESSAGE)
    assert not is_share_of(signing.whole, share)


IDENTITY = b"\x01" + bytes(31)
SMALL = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
GOOD = commitment_of("1").to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD[:-1],
        GOOD + b"\x00",
        bytes(32) + GOOD[32:],
        ORDER.to_bytes(32, "little") + GOOD[32:],
        GOOD[:32] + IDENTITY + GOOD[64:],
        GOOD[:64] + IDENTITY,
        GOOD[:64] + SMALL,
        GOOD[:64] + b"\xff" * 32,
    ],
    ids=["none", "short", "long", "zero", "order", "identity", "identity 2", "small", "no point"],
)
def test_what_is_no_commitment_is_refused(data: bytes) -> None:
    """Section 3.1: no identity, no point of small order, no scalar beyond the order."""
    with pytest.raises(FrostError, match="expected"):
        Commitment.from_bytes(data)
    assert Commitment.from_bytes(GOOD) == commitment_of("1")


def test_who_is_none_of_the_round_does_not_sign() -> None:
    """Neither at another place, nor with nonces that were not told of, nor without a share."""
    signing = open_round(KEY, COMMITMENTS, MESSAGE)
    for signer, share, nonces in (
        ("2", share_of("2"), nonces_of("1")),
        ("1", share_of("1"), nonces_of("3")),
        ("1", bytes(32), nonces_of("1")),
    ):
        with pytest.raises(FrostError, match="expected"):
            sign_share(signing, scalar_of(int(signer)), share, nonces)


def test_a_round_needs_two_and_a_key() -> None:
    """One signer, the same one twice, no key; nor other places, numbers and random bytes."""
    one = commitment_of("1")
    for key, told in ((KEY, [one]), (KEY, [one, one]), (IDENTITY, COMMITMENTS)):
        with pytest.raises(FrostError, match="expected"):
            open_round(key, told, MESSAGE)
    known = (scalar_of(1), verifying_share_of(share_of("1")))
    for place in (scalar_of(1), bytes(32)):
        with pytest.raises(FrostError, match="expected"):
            verifying_share_at(KEY, known, place)
    for number in (0, ORDER):
        with pytest.raises(FrostError, match="expected"):
            scalar_of(number)
    with pytest.raises(FrostError, match="random"):
        draw_nonces(share_of("1"), (bytes(32), bytes(31)))


def test_no_secret_is_shown() -> None:
    """A nonce that is written to a log is a share that is given away."""
    assert nonces_of("1").hiding.hex() not in repr(nonces_of("1"))
    assert repr(nonces_of("1")) == "Nonces()"
