"""The grant format: its vectors, its strictness, and that one text means one grant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.spec.grants import (
    FULL,
    IN_TREE,
    PLAIN,
    TARGET,
    TRANSFER,
    WIDE,
    grants,
)
from tools.grant_vectors.samples import annotated
from valetkey.spec import eip712
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT: Final = b"\x77" * 20
NAMED: Final = {"plain": PLAIN, "full": FULL, "wide": WIDE, "tree": IN_TREE}


def signed(
    grant: pb.Grant, *, epoch: int = 0, chain_id: int = 31337, account: bytes = ACCOUNT
) -> bytes:
    """Return what the owner signs for *grant*."""
    typed = pb.grant_typed_data(grant, epoch=epoch, chain_id=chain_id, account=account)
    return eip712.digest(typed)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_grant_is_the_bytes_that_the_format_says(name: str) -> None:
    """Encoding gives the vector written out by hand, and decoding gives the grant back."""
    assert pb.encode_grant(NAMED[name]).hex() == annotated(name).hex()
    assert pb.decode_grant(annotated(name)) == NAMED[name]
    assert pb.grant_id(annotated(name)) == keccak256(annotated(name))


@given(grants)
def test_every_grant_survives_the_round_trip(grant: pb.Grant) -> None:
    """What is encoded decodes to the same value."""
    assert pb.decode_grant(pb.encode_grant(grant)) == grant


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_truncation_is_refused(name: str) -> None:
    """No beginning of a grant is itself a grant."""
    for end in range(len(annotated(name))):
        with pytest.raises(pb.GrantFormatError):
            pb.decode_grant(annotated(name)[:end])


@given(grants, st.binary(min_size=1, max_size=40))
def test_trailing_bytes_are_refused(grant: pb.Grant, more: bytes) -> None:
    """Nothing may follow a grant."""
    with pytest.raises(pb.GrantFormatError):
        pb.decode_grant(pb.encode_grant(grant) + more)


@given(grants, st.data())
def test_other_bytes_are_another_grant_or_none(grant: pb.Grant, data: st.DataObject) -> None:
    """
    One meaning has one encoding.

    Were there two, one signature would open two grants, each with a budget of its own.
    """
    packed = bytearray(pb.encode_grant(grant))
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] ^= data.draw(st.integers(1, 255))
    try:
        other = pb.decode_grant(bytes(packed))
    except pb.GrantFormatError:
        return
    assert pb.encode_grant(other) == bytes(packed)
    assert other != grant
    assert signed(other) != signed(grant)


@given(grants, grants)
def test_two_grants_are_never_signed_alike(one: pb.Grant, two: pb.Grant) -> None:
    """The signed text names every part of the grant."""
    assume(one != two)
    assert signed(one) != signed(two)


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(PLAIN, key=b"\x11" * 21),
        lambda: replace(PLAIN, key=bytes(20)),
        lambda: replace(PLAIN, salt=2**32),
        lambda: replace(PLAIN, salt=-1),
        lambda: replace(PLAIN, starts_at=-1),
        lambda: replace(PLAIN, expires_at=2**40),
        lambda: replace(PLAIN, expires_at=PLAIN.starts_at),
        lambda: replace(PLAIN, max_calls=0),
        lambda: replace(PLAIN, max_calls=2**32),
        lambda: replace(PLAIN, relayer=b"\x33"),
        lambda: replace(PLAIN, relayer=bytes(20)),
        lambda: replace(PLAIN, rules=()),
        lambda: replace(PLAIN, rules=PLAIN.rules * 256),
        lambda: replace(PLAIN, caps=()),
        lambda: replace(PLAIN, caps=PLAIN.caps * 9),
        lambda: replace(PLAIN, root=bytes(32)),
        lambda: replace(IN_TREE, root=None),
        lambda: replace(IN_TREE, root=bytes(31)),
        lambda: pb.Cap(2**128),
        lambda: pb.Cap(1, 2**32),
        lambda: pb.Meter(64, 0),
        lambda: pb.Meter(0, 8),
        lambda: pb.Constraint(64, pb.Operator.EQUALS, (1,)),
        lambda: pb.Constraint(0, pb.Operator.EQUALS, ()),
        lambda: pb.Constraint(0, pb.Operator.EQUALS, (1, 2)),
        lambda: pb.Constraint(0, pb.Operator.AT_MOST, (2**256,)),
        lambda: pb.Constraint(0, pb.Operator.ONE_OF, ()),
        lambda: pb.Constraint(0, pb.Operator.ONE_OF, (1,) * 256),
        lambda: pb.Rule(pb.RuleKind.CALL, TARGET),
        lambda: pb.Rule(pb.RuleKind.CALL, TARGET, b"abc"),
        lambda: pb.Rule(pb.RuleKind.CALL, TARGET[1:], TRANSFER),
        lambda: pb.Rule(pb.RuleKind.CALL, bytes(20), TRANSFER),
        lambda: pb.Rule(pb.RuleKind.SEND, TARGET, TRANSFER),
        lambda: pb.Rule(pb.RuleKind.CALL, TARGET, TRANSFER, (pb.Meter(1, 0),) * 32),
        lambda: pb.Rule(pb.RuleKind.ANY_SELECTOR),
        lambda: pb.Rule(pb.RuleKind.ANY_SELECTOR, TARGET, TRANSFER),
        lambda: pb.Rule(pb.RuleKind.ANY_SELECTOR, TARGET, meters=(pb.Meter(1, 0),)),
        lambda: pb.Rule(pb.RuleKind.ANY_CALL, TARGET),
        lambda: pb.Rule(pb.RuleKind.ANY_CALL, selector=TRANSFER),
        lambda: pb.Rule(
            pb.RuleKind.ANY_CALL, constraints=(pb.Constraint(0, pb.Operator.EQUALS, (1,)),)
        ),
    ],
)
def test_a_value_that_cannot_be_encoded_cannot_be_made(make: Callable[[], object]) -> None:
    """A grant that exists has an encoding."""
    with pytest.raises(pb.GrantFormatError, match="expected"):
        make()


@given(grants, st.binary(max_size=50))
def test_what_is_signed_is_what_eth_account_signs(grant: pb.Grant, packed: bytes) -> None:
    """A wallet that hashes the JSON form itself signs the same digests."""
    where: Any = {"chain_id": 1, "account": ACCOUNT}
    gid = pb.grant_id(pb.encode_grant(grant))
    for typed in (
        pb.grant_typed_data(grant, epoch=2**64 - 1, **where),
        pb.revoke_typed_data(gid, **where),
        pb.freeze_typed_data(gid, 5, **where),
        pb.unfreeze_typed_data(gid, 5, **where),
        pb.run_typed_data(gid, packed, nonce=2**32 - 1, deadline=2**40 - 1, **where),
    ):
        message = encode_typed_data(full_message=eip712.to_json(typed))
        theirs = keccak256(b"\x19" + message.version + message.header + message.body)
        assert eip712.digest(typed) == theirs


def test_a_signature_holds_on_one_account_one_chain_and_one_epoch() -> None:
    """Each of them is part of what is signed."""
    base = signed(PLAIN)
    assert signed(PLAIN, epoch=1) != base
    assert signed(PLAIN, chain_id=1) != base
    assert signed(PLAIN, account=b"\x78" * 20) != base
