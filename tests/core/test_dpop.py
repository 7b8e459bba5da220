"""Tokens bound to keys: what a proof has to say, how old it may be, and whose it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from tests.flows.keys import public_key, sign
from valetkey.core.dpop import (
    NONCE_S,
    Dpop,
    check_dpop,
    is_bound_to,
    nonce_message,
    nonce_of,
    nonce_slot,
)
from valetkey.core.errors import Code, Unauthenticated
from valetkey.core.wallet import Curve
from valetkey.spec.jwt import jwk_of
from valetkey.spec.rfc9449 import DpopProof, token_hash

NOW: Final = 1_700_000_000
TOKEN: Final = "vk_session_x"  # noqa: S105 - nobody's
PROOF: Final = DpopProof(
    curve="p256",
    jwk={},
    method="GET",
    target="https://keys.example/v1/session",
    issued_at=NOW,
    proof_id="x" * 16,
    token_hash=token_hash(TOKEN),
    nonce="new",
    signed=b"",
    signature=bytes(64),
)
DPOP: Final = Dpop(TOKEN, PROOF, is_of_request=True)
NONCES: Final = ("new", "old")


def refused(**changed: object) -> Code | None:
    """Return the code that a proof with *changed* is refused with, or None."""
    proof = replace(PROOF, **changed)  # type: ignore[arg-type]
    try:
        check_dpop(replace(DPOP, proof=proof), nonces=NONCES, now=NOW)
    except Unauthenticated as error:
        return error.code
    return None


CASES: Final = [
    ({}, None),
    ({"issued_at": NOW - 60}, None),
    ({"issued_at": NOW + 60}, None),
    ({"issued_at": NOW - 61}, Code.PROOF_TOO_OLD),
    ({"issued_at": NOW + 61}, Code.PROOF_TOO_OLD),
    ({"issued_at": -(10**400)}, Code.PROOF_TOO_OLD),
    ({"proof_id": "x" * 128}, None),
    ({"proof_id": "x" * 15}, Code.PROOF_REFUSED),
    ({"proof_id": "x" * 129}, Code.PROOF_REFUSED),
    ({"token_hash": None}, Code.PROOF_REFUSED),
    ({"token_hash": token_hash("another")}, Code.PROOF_REFUSED),
    ({"nonce": "old"}, None),
    ({"nonce": None}, Code.PROOF_NONCE_NEEDED),
    ({"nonce": "older"}, Code.PROOF_NONCE_NEEDED),
    ({"nonce": ""}, Code.PROOF_NONCE_NEEDED),
]


@pytest.mark.parametrize(("changed", "code"), CASES)
def test_a_proof_says_all_that_it_must(changed: dict[str, object], code: Code | None) -> None:
    """RFC 9449 4.3, 8 to 12, at each edge."""
    assert refused(**changed) is code


def test_a_proof_of_another_request_is_refused() -> None:
    """Whoever took the request apart says so."""
    with pytest.raises(Unauthenticated, match="htm and htu"):
        check_dpop(replace(DPOP, is_of_request=False), nonces=NONCES, now=NOW)


def test_whoever_needs_a_nonce_is_given_the_newest() -> None:
    """RFC 9449 9: it is in the answer that asks for it."""
    with pytest.raises(Unauthenticated) as caught:
        check_dpop(replace(DPOP, proof=replace(PROOF, nonce=None)), nonces=NONCES, now=NOW)
    assert caught.value.facts == {"dpop_nonce": "new"}


def test_a_token_is_bound_to_one_key() -> None:
    """The key in the proof is the session's, and has signed it."""
    secret = b"\x07" * 32
    key, other = (public_key(Curve.P256, one) for one in (secret, b"\x08" * 32))
    jwk = jwk_of("p256", key.data)
    proof = replace(PROOF, jwk=jwk, signed=b"a.b", signature=sign(Curve.P256, secret, b"a.b"))
    assert is_bound_to(replace(DPOP, proof=proof), key)
    assert not is_bound_to(replace(DPOP, proof=proof), other)
    for changed in (
        {"jwk": jwk_of("p256", other.data)},
        {"jwk": {**jwk, "y": jwk["x"]}},
        {"curve": "secp256k1"},
        {"signed": b"a.c"},
        {"signature": sign(Curve.P256, b"\x08" * 32, b"a.b")},
    ):
        assert not is_bound_to(replace(DPOP, proof=replace(proof, **changed)), key)


def test_each_minute_has_a_nonce_of_its_own() -> None:
    """It comes of a signature over the minute, and does not show it."""
    slot = nonce_slot(now=NOW)
    assert nonce_slot(now=slot * NONCE_S) == nonce_slot(now=slot * NONCE_S + NONCE_S - 1) == slot
    assert nonce_message(slot) != nonce_message(slot + 1)
    assert b"valetkey dpop nonce" in nonce_message(slot)
    assert len({nonce_of(bytes(64)), nonce_of(b"\x01" * 64)}) == 2
    assert len(nonce_of(bytes(64))) == 43
