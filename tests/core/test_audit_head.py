"""The signed head: what a log had reached, kept where the log is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from tests.core.test_audit import HEAD, LOG, ORGANIZATION
from valetkey.core.audit import SignedHead, head_message, verify
from valetkey.core.wallet import Curve, PublicKey

AT = 1_700_000_100
KEY = SigningKey(b"\x07" * 32)
OTHER_KEY = SigningKey(b"\x08" * 32)


def public(key: SigningKey) -> PublicKey:
    """Return the public key of *key*."""
    return PublicKey(Curve.ED25519, bytes(key.verify_key))


SIGNED = SignedHead(
    organization_id=ORGANIZATION,
    seq=HEAD.seq,
    hash=HEAD.hash,
    signed_at=AT,
    public_key=public(KEY),
    signature=KEY.sign(head_message(HEAD, signed_at=AT)).signature,
)


def test_a_signed_head_is_the_head_that_was_signed() -> None:
    """And the log is held to it."""
    assert SIGNED.is_genuine()
    assert SIGNED.head == HEAD
    assert verify(LOG, head=SIGNED.head) is None


FORGED = [
    replace(SIGNED, organization_id="org_2"),
    replace(SIGNED, seq=4),
    replace(SIGNED, hash=LOG[0].hash),
    replace(SIGNED, signed_at=AT + 1),
    replace(SIGNED, public_key=public(OTHER_KEY)),
    replace(SIGNED, signature=OTHER_KEY.sign(head_message(HEAD, signed_at=AT)).signature),
    replace(SIGNED, signature=bytes(64)),
    replace(SIGNED, signature=b""),
]


@pytest.mark.parametrize("forged", FORGED)
def test_any_other_head_is_not_genuine(forged: SignedHead) -> None:
    """Every field is under the signature."""
    assert not forged.is_genuine()


def test_the_message_says_what_it_is_for() -> None:
    """So that no other signature by that key is ever one over a head."""
    assert head_message(HEAD, signed_at=AT) == (
        b'{"hash":"' + HEAD.hash.hex().encode() + b'","organization_id":"org_1",'
        b'"purpose":"valetkey audit head","seq":5,"signed_at":1700000100}'
    )
