"""Runs: what passes, and every refusal in the order of the format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chain.session import Session, capped, token_rule
from tests.chain.world import OTHER_RECIPIENT, RECIPIENT, TRANSFER, USDC, selector, transfer, words
from valetkey.devchain import dev_keys
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from tests.chain.session import Owner
    from tests.chain.world import World

GRANTED = keccak256(b"Granted(bytes32)")
RECIPIENT_NUMBER = int.from_bytes(RECIPIENT, "big")


def test_the_first_use_opens_the_grant_and_makes_the_call(owner: Owner) -> None:
    """Registration costs nothing on chain: the first run carries the owner's signature."""
    session = capped(owner, pb.Cap(5 * USDC))
    before = owner.world.balance_of(RECIPIENT)
    receipt = session.submit(session.run(transfer(2 * USDC), first=True))
    assert receipt.succeeded
    assert (GRANTED, session.id) in receipt.topics
    assert owner.world.balance_of(RECIPIENT) == before + 2 * USDC
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1, spent=2 * USDC)


def test_an_open_grant_needs_no_owner_signature_and_ignores_one(owner: Owner) -> None:
    """Two first uses may be under way at once; the second finds the grant open."""
    session = capped(owner, pb.Cap(5 * USDC))
    assert session.submit(session.run(transfer(1), first=True)).succeeded
    second = session.submit(session.run(transfer(1), nonce=1, first=True))
    assert second.succeeded
    assert GRANTED not in {topics[0] for topics in second.topics}
    assert session.submit(session.run(transfer(1), nonce=2)).succeeded


def test_a_run_without_calls_uses_one_nonce_and_one_call(owner: Owner) -> None:
    """It is how a holder gives up a nonce."""
    session = Session.opened(owner, max_calls=1)
    assert session.submit(session.run(first=True)).succeeded
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1)
    assert session.refusal(session.run(nonce=1)) == pb.Refusal("TooManyCalls")


def test_a_personal_signature_passes_for_a_run(owner: Owner) -> None:
    """``personal_sign`` over the digest, told apart by ``v``, is what many wallets can make."""
    session = Session.opened(owner)
    assert session.submit(session.run(transfer(1), first=True, personal=True)).succeeded


def test_anyone_submits_unless_the_relayer_is_bound(owner: Owner) -> None:
    """A bound relayer is the only sender of a run."""
    relayer = dev_keys()[3]
    session = Session.opened(owner, relayer=relayer.address)
    data = session.run(transfer(1), first=True)
    assert session.refusal(data) == pb.Refusal("RelayerNotAllowed")
    assert owner.world.send(owner.address, data, by=relayer).succeeded


def test_native_value_goes_out_under_a_meter_on_it(owner: Owner) -> None:
    """A send carries value and no calldata; its amount is booked."""
    target = owner.world.deploy("FailingTarget")
    meters = (pb.Meter(pb.NATIVE_VALUE, 0),)
    rules = (
        pb.Rule(pb.RuleKind.SEND, RECIPIENT, None, meters),
        pb.Rule(pb.RuleKind.CALL, target, selector("record(uint256)"), meters),
    )
    session = Session.opened(owner, *rules, caps=(pb.Cap(100),))
    before = owner.world.wei_of(RECIPIENT)
    calls = (pb.RunCall(0, value_wei=60), pb.RunCall(1, words(9), value_wei=30))
    assert session.submit(session.run(*calls, first=True)).succeeded
    assert owner.world.wei_of(RECIPIENT) == before + 60
    assert owner.world.wei_of(target) == 30
    assert session.state.spent == 90
    too_much = session.run(pb.RunCall(0, value_wei=11), nonce=1)
    assert session.refusal(too_much) == pb.Refusal("CapExceeded", (0, 0))
    with_arguments = b"\x01\x00" + (1).to_bytes(16, "big") + b"\x00\x01\xff"
    assert session.refusal(session.packed_run(with_arguments, nonce=1)) == pb.Refusal("Malformed")


def test_the_input_is_selector_and_arguments_and_nothing_else(owner: Owner) -> None:
    """The target sees exactly the bytes that were signed, whatever their length."""
    target = owner.world.deploy("FailingTarget")
    rule = pb.Rule(pb.RuleKind.CALL, target, selector("record(uint256)"))
    session = Session.opened(owner, rule)
    arguments = words(1) + b"\x01\x02\x03"
    assert session.submit(session.run(pb.RunCall(0, arguments), first=True)).succeeded
    answer = owner.world.call(target, selector("lastInput()"))
    assert answer[64 : 64 + 4 + len(arguments)] == selector("record(uint256)") + arguments
    assert int.from_bytes(answer[32:64], "big") == 4 + len(arguments)


def test_a_lifetime_cap_counts_every_call_of_a_run(owner: Owner) -> None:
    """The sum of a batch is what is held against the cap, and the call that breaks it is named."""
    session = capped(owner, pb.Cap(10))
    refused = session.run(transfer(4), transfer(4), transfer(4), first=True)
    assert session.refusal(refused) == pb.Refusal("CapExceeded", (2, 0))
    assert session.submit(session.run(transfer(4), transfer(6), first=True)).succeeded
    assert session.state.calls_used == 2
    assert session.refusal(session.run(transfer(1), nonce=1)) == pb.Refusal("CapExceeded", (0, 0))


def test_no_counter_overflows(owner: Owner) -> None:
    """The largest cap holds: amounts beyond it and sums beyond 2**128 or 2**256 are refused."""
    target = owner.world.deploy("FailingTarget")
    meters = (pb.Meter(0, 0), pb.Meter(0, 1))
    rule = pb.Rule(pb.RuleKind.CALL, target, selector("record(uint256)"), meters)
    most = 2**128 - 1
    session = Session.opened(owner, rule, caps=(pb.Cap(most), pb.Cap(most)))

    def record(*amounts: int) -> list[pb.RunCall]:
        return [pb.RunCall(0, words(amount)) for amount in amounts]

    for amounts, call in (
        ([most + 1], 0),
        ([2**256 - 1], 0),
        ([most, 1], 1),
        ([1, 2**256 - 1], 1),
        ([most, 2**256 - most], 1),
    ):
        refused = session.run(*record(*amounts), first=True)
        assert session.refusal(refused) == pb.Refusal("CapExceeded", (call, 0))
    assert session.submit(session.run(*record(most), first=True)).succeeded
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1, spent=most)
    assert session.cap_state(1) == pb.CapState(0, most)
    assert session.refusal(session.run(*record(1), nonce=1)) == pb.Refusal("CapExceeded", (0, 0))
    assert session.refusal(session.run(*record(0), nonce=1)) is None


def test_constraints_are_asked_before_meters_and_in_order(owner: Owner) -> None:
    """Equals, one of and at most, each with its index in the error."""
    rule = token_rule(
        owner.world,
        meters=[pb.Meter(1, 0)],
        constraints=[
            pb.Constraint(
                0,
                pb.Operator.ONE_OF,
                (int.from_bytes(OTHER_RECIPIENT, "big"), RECIPIENT_NUMBER),
            ),
            pb.Constraint(1, pb.Operator.AT_MOST, (300,)),
            pb.Constraint(pb.NATIVE_VALUE, pb.Operator.EQUALS, (0,)),
        ],
    )
    session = Session.opened(owner, rule, caps=(pb.Cap(200),))
    for call, expected in (
        (transfer(301, to=b"\x01" * 20), pb.Refusal("ArgumentRefused", (0, 0))),
        (transfer(301), pb.Refusal("ArgumentRefused", (0, 1))),
        (transfer(300), pb.Refusal("CapExceeded", (0, 0))),
        (pb.RunCall(0, words(RECIPIENT)), pb.Refusal("ArgumentMissing", (0, 1))),
        (pb.RunCall(0, words(RECIPIENT) + bytes(31)), pb.Refusal("ArgumentMissing", (0, 1))),
        (pb.RunCall(0), pb.Refusal("ArgumentMissing", (0, 0))),
        (pb.RunCall(0, b"\x01" + words(RECIPIENT, 1)[1:]), pb.Refusal("ArgumentRefused", (0, 0))),
    ):
        assert session.refusal(session.run(call, first=True)) == expected
    assert session.submit(session.run(transfer(200, to=OTHER_RECIPIENT), first=True)).succeeded


def test_a_rule_that_does_not_exist_is_named_by_its_call(owner: Owner) -> None:
    """The number of rules bounds the index, and the calls before it do not help."""
    session = Session.opened(owner)
    good = pb.encode_calls(session.grant, [transfer(1)])[1:]
    for index in (1, 2, 255):
        bad = b"\x02" + good + bytes((index,)) + good[1:]
        refusal = session.refusal(session.packed_run(bad, first=True))
        assert refusal == pb.Refusal("NoSuchRule", (1,))


def test_calls_under_several_rules_find_theirs(owner: Owner) -> None:
    """A rule is found by walking over those before it, of whatever length they are."""
    target = owner.world.deploy("FailingTarget")
    wide = pb.Constraint(0, pb.Operator.ONE_OF, tuple(range(2**255, 2**255 + 20)))
    rules = (
        pb.Rule(pb.RuleKind.CALL, target, b"\1\2\3\4", (), (wide, wide)),
        token_rule(owner.world, meters=[pb.Meter(1, 1)]),
        pb.Rule(pb.RuleKind.SEND, RECIPIENT, None, (pb.Meter(pb.NATIVE_VALUE, 0),)),
        pb.Rule(pb.RuleKind.CALL, target, selector("record(uint256)")),
    )
    session = Session.opened(owner, *rules, caps=(pb.Cap(5), pb.Cap(6)))
    calls = (
        pb.RunCall(3, words(1)),
        pb.RunCall(2, value_wei=5),
        transfer(6, rule=1),
        pb.RunCall(3, words(2)),
    )
    assert session.submit(session.run(*calls, first=True)).succeeded
    assert int.from_bytes(owner.world.call(target, selector("calls()")), "big") == 2
    assert (session.state.spent, session.cap_state(1).spent) == (5, 6)


def test_the_order_of_refusals_is_that_of_the_format(owner: Owner) -> None:
    """
    Each fault hides the ones behind it.

    A run with every fault is repaired fault by fault, and shows the next one each time.
    """
    world = owner.world
    now = world.now()
    relayer = dev_keys()[4].address
    rule = token_rule(world, constraints=[pb.Constraint(1, pb.Operator.AT_MOST, (5,))])
    session = Session.opened(owner, rule, relayer=relayer, starts_at=now - 5, max_calls=1)
    calls = pb.encode_calls(session.grant, [transfer(9), transfer(9)])
    good = session.packed_run(calls, first=True)

    def refusal(data: bytes, sender: bytes = relayer) -> object:
        return world.refusal(owner.address, data, sender=sender)

    late = session.packed_run(calls, first=True, deadline=now)
    forged = bytearray(late)
    forged[-100] ^= 1  # in the session key's signature
    malformed = bytearray(forged)
    malformed[6] = 9  # the version
    assert refusal(bytes(malformed), RECIPIENT) == pb.Refusal("Malformed")
    assert refusal(bytes(forged), RECIPIENT) == pb.Refusal("DeadlinePassed")
    forged = bytearray(good)
    forged[-100] ^= 1
    unsigned = forged[:-1] + bytes((forged[-1] ^ 1,))
    assert refusal(bytes(unsigned), RECIPIENT) == pb.Refusal("RelayerNotAllowed")
    assert refusal(bytes(unsigned)) == pb.Refusal("NotGranted")
    assert refusal(bytes(forged)) == pb.Refusal("SignatureRefused")
    far = session.packed_run(calls, first=True, nonce=31)
    assert refusal(far) == pb.Refusal("NonceTooFar")
    assert refusal(good) == pb.Refusal("TooManyCalls")
    one = session.run(transfer(9), first=True)
    assert refusal(one) == pb.Refusal("ArgumentRefused", (0, 1))
    assert refusal(session.run(transfer(5), first=True)) is None


def test_frozen_and_revoked_come_before_signatures(owner: Owner) -> None:
    """The state is asked before anything is verified."""
    session = Session.opened(owner)
    session.register()
    forged = bytearray(session.run(transfer(1)))
    forged[-30] ^= 1
    assert owner.send_self(pb.freeze_calldata(session.id)).succeeded
    assert session.refusal(bytes(forged)) == pb.Refusal("GrantFrozen")
    assert owner.send_self(pb.revoke_calldata(session.id)).succeeded
    assert session.refusal(bytes(forged)) == pb.Refusal("GrantRevoked")


def test_what_a_target_answers_is_not_judged(world: World, owner: Owner) -> None:
    """A call succeeds when it does not revert; the token's own check is the token's."""
    session = Session.opened(owner)
    broke = session.run(transfer(10**30), first=True)
    reason = world.reason(owner.address, broke)
    assert reason is not None
    assert reason[:4] == selector("InsufficientBalance(address,uint256,uint256)")
    assert selector("transfer(address,uint256)") == TRANSFER
