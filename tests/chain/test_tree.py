"""Grants that keep the root of their rules, and runs that bring some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import OTHER_RECIPIENT, RECIPIENT, USDC, selector, transfer, words
from valetkey.devchain import CHAIN_ID
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes.rule import encode_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.world import World

MALFORMED = pb.Refusal("Malformed")
NOT_GRANTED = pb.Refusal("NotGranted")


def filler(number: int) -> pb.Rule:
    """Return a rule about a target of its own."""
    return pb.Rule(pb.RuleKind.CALL, (0x1000 + number).to_bytes(20, "big"), selector("x()"))


def metered(world: World) -> pb.Rule:
    """Return the rule for the token with its amount booked to cap 0."""
    return token_rule(world, meters=[pb.Meter(1, 0)])


def in_tree(owner: Owner, count: int = 8, at: int = 3) -> Session:
    """Return a session over *count* rules of which the one at *at* is about the token."""
    rules = [filler(number) for number in range(count)]
    rules[at] = metered(owner.world)
    return Session.in_tree(owner, *rules, caps=(pb.Cap(5 * USDC),))


def open_form(session: Session, rules: Sequence[bytes], proofs: Sequence[Sequence[bytes]]) -> bytes:
    """Return the grant with *rules* and *proofs* in place of its root, whatever they are."""
    packed = b"".join(bytes((len(proof),)) + b"".join(proof) for proof in proofs)
    return session.packed[:-32] + bytes((len(rules),)) + b"".join(rules) + packed


def proof_of(session: Session, index: int) -> tuple[bytes, ...]:
    """Return the proof of rule *index*."""
    assert session.tree is not None
    return session.tree.prove([index])[0].proof


def refusal_of(session: Session, grant: bytes, *, first: bool = False) -> object:
    """Return why a run of one transfer, carried by *grant*, would be refused."""
    calls = b"\x01\x00" + (64).to_bytes(2, "big") + words(RECIPIENT, 1)
    return session.refusal(session.packed_run(calls, grant=grant, first=first))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_every_rule_of_a_tree_can_be_used(owner: Owner, count: int) -> None:
    """Whatever the shape of the tree; the first use brings the owner's signature over the root."""
    for at in {0, count // 2, count - 1}:
        session = in_tree(owner, count, at)
        before = owner.world.balance_of(RECIPIENT)
        run = session.run(transfer(USDC, rule=at), first=True)
        assert session.submit(run).succeeded
        assert owner.world.balance_of(RECIPIENT) == before + USDC
        again = session.run(transfer(USDC, rule=at), nonce=1)
        assert session.submit(again).succeeded
        assert session.state.spent == 2 * USDC


def test_rules_of_a_tree_share_one_slot(owner: Owner) -> None:
    """The id is that of the form with the root, whichever rules a run brings."""
    world = owner.world
    one, two = (
        token_rule(world, meters=[pb.Meter(1, 0)], constraints=[constraint])
        for constraint in (
            pb.Constraint(0, pb.Operator.EQUALS, (int.from_bytes(to, "big"),))
            for to in (RECIPIENT, OTHER_RECIPIENT)
        )
    )
    session = Session.in_tree(owner, one, filler(1), two, caps=(pb.Cap(10),))
    session.register()
    both = session.run(transfer(4), transfer(4, rule=2, to=OTHER_RECIPIENT))
    assert session.submit(both).succeeded
    assert session.state.spent == 8
    over = session.run(transfer(3, rule=2, to=OTHER_RECIPIENT), nonce=1)
    assert session.refusal(over) == pb.Refusal("CapExceeded", (0, 0))
    wrong = session.run(transfer(1, rule=2), nonce=1)
    assert session.refusal(wrong) == pb.Refusal("ArgumentRefused", (0, 0))


def test_a_run_without_calls_brings_one_rule(owner: Owner) -> None:
    """It uses a nonce; a run that brings none is malformed."""
    session = in_tree(owner)
    session.register()
    assert session.submit(session.run()).succeeded
    assert session.state.nonce_base == 1
    nothing = session.packed_run(b"\0", grant=open_form(session, [], []), nonce=1)
    assert session.refusal(nothing) == MALFORMED


def test_a_run_brings_rules_and_not_the_root(owner: Owner) -> None:
    """The form with the root has the id of the grant, but nothing in it is a rule."""
    session = in_tree(owner)
    session.register()
    for calls in (b"\0", b"\x01\0\0\0"):
        assert session.refusal(session.packed_run(calls)) == MALFORMED


def test_a_rule_that_is_not_in_the_tree_is_another_grant(owner: Owner) -> None:
    """A forged rule leads to another root, so to an id that nobody has signed."""
    session = in_tree(owner)
    session.register()
    forged = encode_rule(token_rule(owner.world))
    for proof in (proof_of(session, 3), proof_of(session, 0), ()):
        assert refusal_of(session, open_form(session, [forged], [proof])) == NOT_GRANTED


def test_a_proof_of_another_place_or_tree_proves_nothing(owner: Owner) -> None:
    """Nor does one that is cut, lengthened or changed in one bit."""
    session, other = in_tree(owner), in_tree(owner, count=5)
    session.register()
    rule = encode_rule(metered(owner.world))
    good = list(proof_of(session, 3))
    bent = [bytes((good[0][0] ^ 1,)) + good[0][1:], *good[1:]]
    for proof in (proof_of(session, 2), proof_of(other, 3), good[:-1], good[::-1], bent):
        assert refusal_of(session, open_form(session, [rule], [proof])) == NOT_GRANTED
    lengthened = [*good, good[0]]
    assert refusal_of(session, open_form(session, [rule], [lengthened])) == NOT_GRANTED
    assert refusal_of(session, open_form(session, [rule], [good])) is None


def test_an_inner_node_is_no_rule(owner: Owner) -> None:
    """
    Two children are hashed behind another byte than a rule.

    A rule whose bytes are those of two children would otherwise be proven by the node above them.
    """
    session = in_tree(owner, count=2, at=0)
    session.register()
    assert session.tree is not None
    leaves = [keccak256(b"\0" + encode_rule(rule)) for rule in session.tree.rules]
    children = b"".join(sorted(leaves))
    assert keccak256(b"\x01" + children) == session.tree.root
    for pretended in (children, b"\x01" + children, (62).to_bytes(2, "big") + children[2:]):
        assert refusal_of(session, open_form(session, [pretended], [()])) in {
            MALFORMED,
            NOT_GRANTED,
        }
    # A target of the attacker's choice cannot make the bytes of a leaf those of a node either.
    padded = pb.Rule(pb.RuleKind.CALL, children[:20], children[20:24])
    assert refusal_of(session, open_form(session, [encode_rule(padded)], [()])) == NOT_GRANTED


def test_rules_of_two_trees_do_not_mix(owner: Owner) -> None:
    """All proofs lead to one root, so nobody adds a rule of a tree of his own."""
    session = in_tree(owner)
    session.register()
    own = Session.in_tree(owner, token_rule(owner.world), filler(9))
    good, evil = encode_rule(metered(owner.world)), encode_rule(token_rule(owner.world))
    proofs = [proof_of(session, 3), proof_of(own, 0)]
    assert refusal_of(session, open_form(session, [good, evil], proofs)) == MALFORMED
    assert refusal_of(session, open_form(session, [evil, good], proofs[::-1])) == MALFORMED


def test_a_proof_of_more_than_32_siblings_is_malformed(owner: Owner) -> None:
    """No tree is that deep; each sibling costs gas that somebody pays."""
    session = in_tree(owner)
    rule = encode_rule(metered(owner.world))
    for depth, expected in ((32, NOT_GRANTED), (33, MALFORMED), (255, MALFORMED)):
        grant = open_form(session, [rule], [[bytes(32)] * depth])
        assert refusal_of(session, grant) == expected


def test_a_wide_rule_is_malformed_in_a_tree(owner: Owner) -> None:
    """The account would not see the rules that are more specific."""
    session = in_tree(owner)
    for kind, target in ((2, owner.world.token), (3, bytes(20))):
        rule = (21).to_bytes(2, "big") + bytes((kind << 6,)) + target
        root = keccak256(b"\0" + rule)
        session.grant = pb.Grant(
            **{name: getattr(session.grant, name) for name in FIELDS}, rules=(), root=root
        )
        session.register()
        assert refusal_of(session, open_form(session, [rule], [()])) == MALFORMED


@pytest.mark.parametrize("place", [0, 1])
def test_a_wide_rule_among_others_is_malformed_in_a_tree(owner: Owner, place: int) -> None:
    """Every rule that a run brings is looked at, not the first or the last alone."""
    session = in_tree(owner)
    wide = (21).to_bytes(2, "big") + bytes((2 << 6,)) + owner.world.token
    rules = [encode_rule(metered(owner.world))] * 2
    rules[place] = wide
    leaves = [keccak256(b"\0" + rule) for rule in rules]
    root = keccak256(b"\1" + b"".join(sorted(leaves)))
    session.grant = pb.Grant(
        **{name: getattr(session.grant, name) for name in FIELDS}, rules=(), root=root
    )
    session.register()
    assert refusal_of(session, open_form(session, rules, [leaves[1:], leaves[:1]])) == MALFORMED
    narrow = open_form(session, [rules[1 - place]], [[leaves[place]]])
    assert refusal_of(session, narrow) is None


FIELDS = ("key", "salt", "starts_at", "expires_at", "max_calls", "caps", "relayer")


def test_a_forbidden_target_in_a_tree_is_refused_at_each_use(owner: Owner) -> None:
    """Nobody sees the rules when the grant is enabled, so they are looked at when they come."""
    inside = pb.Rule(pb.RuleKind.CALL, owner.address, pb.raise_epoch_calldata())
    session = Session.in_tree(owner, metered(owner.world), inside, caps=(pb.Cap(9),))
    session.register()
    expected = pb.Refusal("TargetForbidden", (0,))
    assert session.refusal(session.run(pb.RunCall(1))) == expected
    both = session.run(transfer(1), pb.RunCall(1))
    assert session.refusal(both) == pb.Refusal("TargetForbidden", (1,))
    assert session.submit(session.run(transfer(1))).succeeded
    assert session.refusal(session.run(pb.RunCall(1), nonce=1)) == expected


def test_a_relayer_cannot_exchange_the_rules_of_a_run(owner: Owner) -> None:
    """The session key signs which rules its calls are under, not only whose tree they are of."""
    world = owner.world
    other = world.deploy("DemoToken")
    same = pb.Rule(pb.RuleKind.CALL, other, selector("transfer(address,uint256)"))
    session = Session.in_tree(owner, token_rule(world), same)
    session.register()
    signed = session.run(transfer(1))
    honest, exchanged = (
        open_form(session, [encode_rule(rule)], [proof_of(session, index)])
        for index, rule in enumerate((token_rule(world), same))
    )
    assert session.refusal(signed) is None
    assert honest in signed
    assert session.refusal(signed.replace(honest, exchanged)) == pb.Refusal("SignatureRefused")


def test_a_tree_is_revoked_and_frozen_by_its_id(owner: Owner) -> None:
    """Also by the session key, which shows the form with the root."""
    session = in_tree(owner)
    session.register()
    run = session.run(transfer(1, rule=3))
    assert session.refusal(run) is None
    assert owner.send_self(pb.freeze_calldata(session.id)).succeeded
    assert session.refusal(run) == pb.Refusal("GrantFrozen")
    assert owner.send_self(pb.unfreeze_calldata(session.id)).succeeded
    assert session.refusal(run) is None
    typed = pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=session.account)
    signature = session.signature(digest(typed))
    assert session.submit(pb.revoke_by_key_calldata(session.packed, signature)).succeeded
    assert session.refusal(run) == pb.Refusal("GrantRevoked")
