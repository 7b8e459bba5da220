"""Redeeming under wide rules and rules of a tree, by contracts, and through targets."""

from __future__ import annotations

from dataclasses import replace

from tests.chain.redemptions import paid, redeem, refusal, submit
from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import (
    RECIPIENT,
    selector,
    words,
)
from valetkey.spec import erc7710
from valetkey.spec import permission_bytes as pb
from valetkey.spec.erc7710 import Execution, Redemption

MALFORMED = pb.Refusal("Malformed")


def test_wide_rules_are_redeemed_within_their_limits(account: Owner) -> None:
    """Any function of a target, any call; neither what moves value nor the account itself."""
    world = account.world
    target = world.deploy("FailingTarget")
    rules = (
        pb.Rule(pb.RuleKind.ANY_SELECTOR, target, None, (pb.Meter(pb.NATIVE_VALUE, 0),)),
        pb.Rule(pb.RuleKind.ANY_CALL, bytes(20), None),
    )
    session = Session.opened(account, *rules, caps=(pb.Cap(10),))
    session.register()
    record = Execution(target, 5, selector("record(uint256)") + words(3))
    other = world.deploy("FailingTarget")
    anywhere = Execution(other, 0, selector("record(uint256)") + words(4))
    assert submit(session, redeem(session, record, anywhere, rules=(0, 1))).succeeded
    for place in (target, other):
        assert int.from_bytes(world.call(place, selector("calls()")), "big") == 1
    assert int.from_bytes(world.call(target, selector("lastValue()")), "big") == 5
    itself = Execution(account.address, 0, pb.raise_epoch_calldata())
    data = redeem(session, itself, rules=(1,))
    assert refusal(session, data) == pb.Refusal("TargetRefused", (0,))
    data = redeem(session, paid(session), rules=(1,))
    assert refusal(session, data) == pb.Refusal("SelectorRefused", (0,))


def test_a_redemption_through_a_target_of_a_session_is_not_the_sessions(account: Owner) -> None:
    """A contract that is called back by a run is the sender then, and holds nothing."""
    world = account.world
    target = world.deploy("ReenteringTarget")
    poke = pb.Rule(pb.RuleKind.CALL, target, selector("poke(uint256)"))
    session = Session.opened(account, poke, token_rule(world))
    session.register()
    inner = redeem(session, paid(session), rules=(1,))
    padded = inner + bytes(-len(inner) % 32)
    world.send(target, selector("arm(bytes)") + words(32, len(inner)) + padded)
    before = world.balance_of(RECIPIENT)
    assert session.submit(session.run(pb.RunCall(0, words(0)))).succeeded
    assert int.from_bytes(world.call(target, selector("entered()")), "big") == 1
    assert int.from_bytes(world.call(target, selector("succeeded()")), "big") == 0
    assert world.balance_of(RECIPIENT) == before


def test_a_contract_may_hold_a_session_and_redeem_it(account: Owner) -> None:
    """Its address is the key: what it sends needs no signature, which it could not make."""
    world = account.world
    holder = world.deploy("ReenteringTarget")
    session = Session.opened(account, token_rule(world), key=holder)
    session.register()
    inner = redeem(session, paid(session, 2))
    padded = inner + bytes(-len(inner) % 32)
    world.send(holder, selector("arm(bytes)") + words(32, len(inner)) + padded)
    assert account.world.refusal(account.address, inner) == pb.Refusal("SignatureRefused")
    poke = pb.Rule(pb.RuleKind.CALL, holder, selector("poke(uint256)"))
    other = Session.opened(account, poke)
    before = world.balance_of(RECIPIENT)
    assert other.submit(other.run(pb.RunCall(0, words(0)), first=True)).succeeded
    assert world.balance_of(RECIPIENT) == before + 2


def test_rules_of_a_tree_are_redeemed_with_their_proofs(account: Owner) -> None:
    """Nonces and counters are those of the closed form; a rule without its proof is none."""
    world = account.world
    rules = [token_rule(world, meters=[pb.Meter(1, 0)])]
    rules += [pb.Rule(pb.RuleKind.CALL, RECIPIENT, bytes((i, 1, 2, 3))) for i in range(4)]
    tree = pb.RuleTree(tuple(rules))
    session = Session.opened(account, caps=(pb.Cap(10),))
    session.grant = replace(session.grant, rules=(), root=tree.root)
    opened = pb.encode_open_grant(pb.OpenGrant(session.grant, tree.prove([3, 0])))

    def data(amount: int, packed: bytes, rule: int = 1, signature: bytes | None = None) -> bytes:
        context = erc7710.permission_context(packed, [rule], owner_signature=signature)
        one = erc7710.single(paid(session, amount))
        return erc7710.redeem_calldata([Redemption(context, erc7710.SINGLE, one)])

    assert submit(session, data(6, opened, signature=session.owner_signature())).succeeded
    assert submit(session, data(3, opened)).succeeded
    expected = pb.SlotState(pb.Status.OPEN, calls_used=2, nonce_base=2, spent=9)
    assert session.state == expected
    assert refusal(session, data(2, opened)) == pb.Refusal("CapExceeded", (0, 0))
    assert refusal(session, data(1, opened, rule=0)) == pb.Refusal("RuleMismatch", (0,))
    forged = opened[:-1] + bytes((opened[-1] ^ 1,))
    assert refusal(session, data(1, forged)) == MALFORMED
