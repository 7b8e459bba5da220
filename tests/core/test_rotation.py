"""A new key in the place of an old one: both have signed for it."""

from __future__ import annotations

import json
from typing import Final

import pytest

from tests.flows.keys import public_key, sign
from valetkey.core.errors import Code, Malformed
from valetkey.core.rotation import NewKey, check_new_key, key_statement, thumbprint_of
from valetkey.core.wallet import Curve

OLD: Final = public_key(Curve.P256, b"\x01" * 32)
SECRETS: Final = {Curve.P256: b"\x02" * 32, Curve.SECP256K1: b"\x03" * 32}


def new_key(curve: Curve, message: bytes) -> NewKey:
    """Return the key on *curve*, which has signed *message*."""
    key = public_key(curve, SECRETS[curve])
    return NewKey(key, sign(curve, SECRETS[curve], message))


@pytest.mark.parametrize("curve", SECRETS)
def test_whoever_has_the_new_key_says_whose_it_becomes(curve: Curve) -> None:
    """On the curve of the old key or on another one."""
    new = public_key(curve, SECRETS[curve])
    statement = key_statement("ses_1", old=OLD, new=new)
    check_new_key("ses_1", new_key(curve, statement), old=OLD)
    assert json.loads(statement) == {
        "purpose": "valetkey key rotation",
        "holder": "ses_1",
        "old": thumbprint_of(OLD),
        "new": thumbprint_of(new),
    }


def test_a_statement_is_good_for_one_change_alone() -> None:
    """Not for another holder, nor in the place of another key, nor for another key."""
    new = public_key(Curve.P256, SECRETS[Curve.P256])
    other = public_key(Curve.P256, b"\x04" * 32)
    for statement in (
        key_statement("ses_2", old=OLD, new=new),
        key_statement("ses_1", old=other, new=new),
        key_statement("ses_1", old=OLD, new=other),
        b"",
    ):
        with pytest.raises(Malformed) as refused:
            check_new_key("ses_1", new_key(Curve.P256, statement), old=OLD)
        assert refused.value.code is Code.MALFORMED_SIGNATURE


def test_the_old_key_does_not_sign_for_the_new_one() -> None:
    """Nobody puts a key there that somebody else has."""
    new = public_key(Curve.P256, SECRETS[Curve.P256])
    statement = key_statement("ses_1", old=OLD, new=new)
    by_old = NewKey(new, sign(Curve.P256, b"\x01" * 32, statement))
    with pytest.raises(Malformed, match="by the new key"):
        check_new_key("ses_1", by_old, old=OLD)


def test_the_key_in_use_is_no_new_one() -> None:
    """A rotation that changes nothing would look like one that did."""
    statement = key_statement("ses_1", old=OLD, new=OLD)
    with pytest.raises(Malformed, match="the one in use"):
        check_new_key("ses_1", NewKey(OLD, sign(Curve.P256, b"\x01" * 32, statement)), old=OLD)
