"""FROST with another library at the other end: one half of each, added up by either."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.signing import VerifyKey

from tests.spec.noble import Noble, commitment_of, group_of, told_of
from valetkey.spec.rfc9591 import (
    aggregate,
    is_share_of,
    open_round,
    sign_share,
    verifying_share_at,
    verifying_share_of,
)
from valetkey.spec.rfc9591_commit import commit, draw_nonces, scalar_of
from valetkey.spec.shamir import ORDERS, on_line

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDER = ORDERS["ed25519"]
MESSAGE = b"one half each"


@pytest.fixture(scope="module")
def noble() -> Iterator[Noble]:
    """Give the other library."""
    with Noble() as made:
        yield made


@dataclass(frozen=True, slots=True)
class Dealt:
    """A key and its shares, by place."""

    public_key: bytes
    shares: dict[bytes, bytes]
    group: dict[str, Any]


def by_us(count: int) -> Dealt:
    """Return Shamir's shares, at random places as a split wallet has them."""
    secret, slope = (secrets.randbelow(ORDER - 1) + 1 for _ in range(2))
    places = [secrets.randbelow(ORDER - 1) + 1 for _ in range(count)]
    points = [on_line(secret, slope, x, order=ORDER) for x in places]
    shares = {scalar_of(one.x): scalar_of(one.y) for one in points}
    key = verifying_share_of(scalar_of(secret))
    return Dealt(key, shares, group_of(key, shares, scalar_of(slope)))


def by_noble(noble: Noble, count: int) -> Dealt:
    """Return what the other library deals."""
    told = noble.ask("deal", count=count)
    shares = {bytes.fromhex(at): bytes.fromhex(one) for at, one in told["shares"].items()}
    group = {"commitments": told["commitments"], "shares": told["verifying"]}
    return Dealt(bytes.fromhex(told["public_key"]), shares, group)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("dealer", ["ours", "noble"])
def test_one_half_each_is_a_signature(noble: Noble, dealer: str, count: int) -> None:
    """Each takes the other's share for good, both add up the same, and four verifiers agree."""
    dealt = by_us(count) if dealer == "ours" else by_noble(noble, count)
    (ours, share), (theirs, their_share) = list(dealt.shares.items())[-2:]
    signer = {"identifier": theirs.hex(), "share": their_share.hex()}
    nonces = draw_nonces(share, (secrets.token_bytes(32), secrets.token_bytes(32)))
    their_nonces = noble.ask("commit", signer=signer)
    told = [commit(ours, nonces), commitment_of(their_nonces)]
    asked = {"group": dealt.group, "commitments": told_of(told), "message": MESSAGE.hex()}

    signing = open_round(dealt.public_key, told, MESSAGE)
    made = sign_share(signing, ours, share, nonces)
    given = bytes.fromhex(noble.ask("sign", signer=signer, nonces=their_nonces["nonces"], **asked))
    known = (ours, verifying_share_of(share))
    due = signing.due_from(theirs, verifying_share_at(dealt.public_key, known, theirs))
    assert is_share_of(due, given)
    assert noble.ask("check", identifier=ours.hex(), share=made.hex(), **asked) is True

    signature = aggregate(signing.commitment, [made, given])
    shares = {ours.hex(): made.hex(), theirs.hex(): given.hex()}
    assert noble.ask("aggregate", shares=shares, **asked) == signature.hex()
    VerifyKey(dealt.public_key).verify(MESSAGE, signature)
    Ed25519PublicKey.from_public_bytes(dealt.public_key).verify(signature, MESSAGE)
    answer = {"signature": signature.hex(), "public_key": dealt.public_key.hex()}
    assert noble.ask("verify", message=MESSAGE.hex(), **answer) is True
    assert noble.ask("verify", message=b"another".hex(), **answer) is False


def test_both_refuse_a_wrong_share(noble: Noble) -> None:
    """A share of another message is found on either side, and noble adds nothing to it."""
    dealt = by_us(2)
    held = [
        (at, share, draw_nonces(share, (secrets.token_bytes(32), secrets.token_bytes(32))))
        for at, share in dealt.shares.items()
    ]
    told = [commit(at, nonces) for at, _, nonces in held]
    asked = {"group": dealt.group, "commitments": told_of(told), "message": MESSAGE.hex()}
    other, signing = (open_round(dealt.public_key, told, one) for one in (b"other", MESSAGE))
    at, share, nonces = held[0]
    wrong = sign_share(other, at, share, nonces)
    assert not is_share_of(signing.due_from(at, verifying_share_of(share)), wrong)
    assert noble.ask("check", identifier=at.hex(), share=wrong.hex(), **asked) is False
    right = sign_share(signing, *held[1])
    shares = {at.hex(): wrong.hex(), held[1][0].hex(): right.hex()}
    with pytest.raises(ValueError, match="aggregation failed"):
        noble.ask("aggregate", shares=shares, **asked)
