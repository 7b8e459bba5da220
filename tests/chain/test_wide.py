"""Rules for any selector of a target, and for any call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.session import Session, token_rule
from tests.chain.world import RECIPIENT, TRANSFER, selector, transfer, words
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chain.session import Owner
    from tests.chain.world import World

RECORD = selector("record(uint256)")
NATIVE = pb.Meter(pb.NATIVE_VALUE, 0)
AT_MOST_ONE = pb.Constraint(0, pb.Operator.AT_MOST, (1,))
ENTRY_POINTS = (
    "5FF137D4b0FDCD49DcA30c7CF57E578a026d2789",
    "0000000071727De22E5E9d8BAf0edAc6f37da032",
    "4337084D9E255Ff0702461CF8895CE9E3b5Ff108",
    "433709009B8330FDa32311DF1C2AFA402eD8D009",
)


def any_selector(target: bytes, *meters: pb.Meter) -> pb.Rule:
    """Return the rule for every function of *target*."""
    return pb.Rule(pb.RuleKind.ANY_SELECTOR, target, meters=meters)


def any_call(*meters: pb.Meter) -> pb.Rule:
    """Return the rule for every call."""
    return pb.Rule(pb.RuleKind.ANY_CALL, bytes(20), meters=meters)


@pytest.fixture
def target(world: World) -> bytes:
    """Return a contract that records its calls."""
    return world.deploy("FailingTarget")


def recorded(world: World, target: bytes) -> tuple[bytes, int]:
    """Return the last input and the last value of *target*."""
    answer = world.call(target, selector("lastInput()"))
    length = int.from_bytes(answer[32:64], "big")
    value = world.call(target, selector("lastValue()"))
    return answer[64 : 64 + length], int.from_bytes(value, "big")


def test_any_selector_lets_the_call_bring_its_selector(owner: Owner, target: bytes) -> None:
    """The input arrives as it is signed, and so does native value under a cap."""
    session = Session.opened(owner, any_selector(target, NATIVE), caps=(pb.Cap(7),))
    session.register()
    data = RECORD + words(5)
    assert session.submit(session.run(pb.RunCall(0, data, 7))).succeeded
    assert recorded(owner.world, target) == (data, 7)
    over = session.run(pb.RunCall(0, data, 1), nonce=1)
    assert session.refusal(over) == pb.Refusal("CapExceeded", (0, 0))


def test_any_call_lets_the_call_bring_its_target(owner: Owner, target: bytes) -> None:
    """Target and selector are of the call, and one run may have several."""
    session = Session.opened(owner, any_call(NATIVE), caps=(pb.Cap(10),))
    session.register()
    data = RECORD + words(6)
    other = owner.world.deploy("FailingTarget")
    calls = [pb.RunCall(0, data, 3, target), pb.RunCall(0, data, 4, other)]
    assert session.submit(session.run(*calls)).succeeded
    assert recorded(owner.world, target) == (data, 3)
    assert recorded(owner.world, other) == (data, 4)
    before = owner.world.wei_of(RECIPIENT)
    assert session.submit(session.run(pb.RunCall(0, b"", 3, RECIPIENT), nonce=1)).succeeded
    assert owner.world.wei_of(RECIPIENT) == before + 3


def test_a_wide_rule_without_a_meter_carries_no_value(owner: Owner, target: bytes) -> None:
    """The packed call then has no room for native value."""
    session = Session.opened(owner, any_selector(target))
    session.register()
    assert session.submit(session.run(pb.RunCall(0, RECORD + words(1)))).succeeded
    assert recorded(owner.world, target) == (RECORD + words(1), 0)


def test_no_wide_rule_covers_a_published_selector(owner: Owner) -> None:
    """Each of the list is refused under both kinds, and no neighbour of one is."""
    session = Session.opened(owner, any_call(), any_selector(owner.world.token))
    session.register()
    for moving in pb.VALUE_MOVING:
        for is_moving, chosen in ((True, moving), *((False, near) for near in neighbours(moving))):
            expected = pb.Refusal("SelectorRefused", (0,)) if is_moving else None
            assert session.refusal(session.run(pb.RunCall(0, chosen, 0, RECIPIENT))) == expected
    moved = session.run(pb.RunCall(1, TRANSFER + words(RECIPIENT, 1)))
    assert session.refusal(moved) == pb.Refusal("SelectorRefused", (0,))


def neighbours(moving: bytes) -> Iterator[bytes]:
    """Return the selectors beside *moving* that are not in the list."""
    number = int.from_bytes(moving, "big")
    for near in (number - 1, number + 1):
        if near.to_bytes(4, "big") not in pb.VALUE_MOVING:
            yield near.to_bytes(4, "big")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_half_a_selector_is_none(owner: Owner, target: bytes, size: int) -> None:
    """A fallback may read a short input as it likes."""
    session = Session.opened(owner, any_selector(target), any_call())
    session.register()
    refused = pb.Refusal("SelectorRefused", (0,))
    assert session.refusal(session.run(pb.RunCall(0, RECORD[:size]))) == refused
    assert session.refusal(session.run(pb.RunCall(1, RECORD[:size], 0, RECIPIENT))) == refused


def test_the_most_specific_rule_alone_covers_a_call(owner: Owner, target: bytes) -> None:
    """A wide rule is no way round the limits of an exact one, nor of a send."""
    exact = pb.Rule(pb.RuleKind.CALL, target, RECORD, (), (AT_MOST_ONE,))
    send = pb.Rule(pb.RuleKind.SEND, target, meters=(NATIVE,))
    rules = (exact, send, any_selector(target), any_call())
    session = Session.opened(owner, *rules, caps=(pb.Cap(1),))
    session.register()
    call = pb.RunCall(0, words(1))
    for wide in (pb.RunCall(2, RECORD + words(9)), pb.RunCall(2)):
        refusal = session.refusal(session.run(call, wide))
        assert refusal == pb.Refusal("RuleTooWide", (1,))
    for data in (RECORD + words(9), selector("calls()"), b""):
        refusal = session.refusal(session.run(call, pb.RunCall(3, data, 0, target)))
        assert refusal == pb.Refusal("RuleTooWide", (1,))
    assert session.refusal(session.run(call, pb.RunCall(2, selector("calls()")))) is None
    assert session.refusal(session.run(pb.RunCall(3, selector("x()"), 0, RECIPIENT))) is None


def test_an_empty_input_is_not_the_selector_of_zeros(owner: Owner) -> None:
    """A rule for the function 0x00000000 names that function, and no payment without input."""
    zeros = pb.Rule(pb.RuleKind.CALL, RECIPIENT, bytes(4), (), (AT_MOST_ONE,))
    session = Session.opened(owner, zeros, any_selector(RECIPIENT))
    session.register()
    assert session.refusal(session.run(pb.RunCall(1))) is None
    named = session.run(pb.RunCall(1, bytes(4) + words(2)))
    assert session.refusal(named) == pb.Refusal("RuleTooWide", (0,))


def test_any_selector_is_more_specific_than_any_call(owner: Owner, target: bytes) -> None:
    """Whatever names the target goes before what names nothing."""
    session = Session.opened(owner, any_call(), any_selector(target))
    session.register()
    call = pb.RunCall(0, RECORD + words(1), 0, target)
    assert session.refusal(session.run(call)) == pb.Refusal("RuleTooWide", (0,))


@pytest.mark.parametrize("forbidden", [*ENTRY_POINTS, "zero", "self"])
def test_some_targets_are_never_one(owner: Owner, forbidden: str) -> None:
    """A rule that names one is never enabled; a call that brings one is refused."""
    addresses = {"zero": bytes(20), "self": owner.address}
    address = addresses.get(forbidden) or bytes.fromhex(forbidden)
    session = Session.opened(owner, any_call())
    session.register()
    call = pb.RunCall(0, selector("x()"), 0, address)
    assert session.refusal(session.run(call)) == pb.Refusal("TargetRefused", (0,))
    empty = pb.RunCall(0, b"", 0, address)
    assert session.refusal(session.run(empty)) == pb.Refusal("TargetRefused", (0,))
    if forbidden == "zero":
        return
    named = Session.opened(owner, token_rule(owner.world), any_selector(address))
    register = pb.register_calldata(named.packed, named.owner_signature())
    assert named.refusal(register) == pb.Refusal("TargetForbidden", (1,))
    first = named.run(transfer(1), first=True)
    assert named.refusal(first) == pb.Refusal("TargetForbidden", (1,))


def test_a_constraint_on_native_value_holds_under_a_wide_rule(owner: Owner, target: bytes) -> None:
    """Constraints are asked before meters, as everywhere."""
    limit = pb.Constraint(pb.NATIVE_VALUE, pb.Operator.AT_MOST, (2,))
    rule = pb.Rule(pb.RuleKind.ANY_SELECTOR, target, None, (NATIVE,), (limit,))
    session = Session.opened(owner, rule, caps=(pb.Cap(1),))
    session.register()
    refused = pb.Refusal("ArgumentRefused", (0, pb.NATIVE_VALUE))
    assert session.refusal(session.run(pb.RunCall(0, RECORD + words(1), 3))) == refused
    over = pb.Refusal("CapExceeded", (0, 0))
    assert session.refusal(session.run(pb.RunCall(0, RECORD + words(1), 2))) == over
    assert session.refusal(session.run(pb.RunCall(0, RECORD + words(1), 1))) is None


def test_an_input_that_runs_into_the_signature_is_refused(owner: Owner, target: bytes) -> None:
    """The last call must end where the signature begins, whatever length it claims."""
    session = Session.opened(owner, any_selector(target))
    session.register()
    calls = bytearray(pb.encode_calls(session.grant, [pb.RunCall(0, RECORD + words(1))]))
    for change in (-1, 1, 65, 4000):
        claimed = (36 + change).to_bytes(2, "big")
        data = session.packed_run(bytes(calls[:2]) + claimed + bytes(calls[4:]))
        assert session.refusal(data) == pb.Refusal("Malformed")
