"""The codec and the contract read the same bytes the same way."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.chain.session import Session
from tests.chain.world import selector, words
from tests.searched import LONGER
from tests.spec.grants import MALFORMED as MALFORMED_GRANTS
from tests.spec.grants import grants, grants_in_trees
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from tests.chain.session import Owner

SETTINGS = settings(
    max_examples=60 * LONGER,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_WORDS = [0, 0, 1, 1, 2, 2, 3, 3, 2**256 - 1]
MALFORMED = pb.Refusal("Malformed")
KEY_TYPE_REFUSED = pb.Refusal("KeyTypeRefused")
OPEN_FORM = "the open form"


@seed(1)
@SETTINGS
@given(grant=grants)
def test_the_contract_hashes_a_grant_as_it_is_signed(owner: Owner, grant: pb.Grant) -> None:
    """
    Every grant that the codec can write is accepted with the owner's EIP-712 signature.

    P-256 keys are, where the chain checks their signatures.
    """
    session = Session(owner, replace(grant, expires_at=pb.NEVER_EXPIRES), b"")
    register = pb.register_calldata(session.packed, session.owner_signature())
    is_refused = len(grant.key) == 64 and not owner.world.has_p256()
    assert session.refusal(register) == (KEY_TYPE_REFUSED if is_refused else None)


@seed(2)
@SETTINGS
@given(grant=grants, data=st.data())
def test_the_contract_is_as_strict_as_the_codec(
    owner: Owner, grant: pb.Grant, data: st.DataObject
) -> None:
    """Bytes that the codec refuses are `Malformed` on chain, and no others are."""
    packed = altered(pb.encode_grant(replace(grant, expires_at=pb.NEVER_EXPIRES)), data)
    refusal = owner.world.refusal(owner.address, pb.register_calldata(packed, bytes(65)))
    try:
        other = pb.decode_grant(packed)
    except pb.GrantFormatError:
        assert refusal == MALFORMED
        return
    assert refusal == unsigned_refusal(owner, other)


@seed(3)
@SETTINGS
@given(made=grants_in_trees(), data=st.data())
def test_the_contract_reads_open_forms_as_the_codec_does(
    owner: Owner, made: tuple[pb.Grant, pb.RuleTree], data: st.DataObject
) -> None:
    """Rules and proofs that the codec refuses are `Malformed` in a run, and no others are."""
    grant, tree = made
    grant = replace(grant, starts_at=0, expires_at=pb.NEVER_EXPIRES, relayer=None)
    used = data.draw(st.lists(st.integers(0, len(tree.rules) - 1), min_size=1, max_size=3))
    form = pb.encode_open_grant(pb.OpenGrant(grant, tree.prove(used)))
    packed = altered(form, data, first=len(pb.encode_grant(grant)) - 32)
    run = pb.run_calldata(packed, b"\0", bytes(65), nonce=0, deadline=pb.NEVER_EXPIRES)
    refusal = owner.world.refusal(owner.address, run)
    try:
        other = pb.decode_open_grant(packed)
    except pb.GrantFormatError:
        assert refusal == MALFORMED
        return
    assert refusal == unsigned_refusal(owner, other.grant)


def altered(packed: bytes, data: st.DataObject, *, first: int = 0) -> bytes:
    """Return *packed* with a change somewhere behind *first*."""
    changed = bytearray(packed)
    change = data.draw(st.sampled_from(["flip", "cut", "add", "splice"]))
    at = data.draw(st.integers(first, len(changed) - 1))
    if change == "flip":
        changed[at] ^= 1 << data.draw(st.integers(0, 7))
    elif change == "cut":
        del changed[at : at + data.draw(st.integers(1, 3))]
    elif change == "add":
        changed[at:at] = data.draw(st.binary(min_size=1, max_size=3))
    else:
        changed[at] = data.draw(st.sampled_from([0, 1, 2, 32, 33, 64, 128, 192, 255]))
    return bytes(changed)


def unsigned_refusal(owner: Owner, grant: pb.Grant) -> pb.Refusal:
    """Return why a well-formed grant without the owner's signature is refused."""
    if grant.expires_at <= owner.world.now():
        return pb.Refusal("GrantExpired")
    if len(grant.key) == 64 and not owner.world.has_p256():
        return KEY_TYPE_REFUSED
    return pb.Refusal("NotGranted")


@pytest.mark.parametrize("why", sorted(MALFORMED_GRANTS))
def test_the_contract_refuses_the_same_malformed_grants(owner: Owner, why: str) -> None:
    """Byte for byte the list of the codec's tests, registered and in a first use."""
    grant = MALFORMED_GRANTS[why]
    register = pb.register_calldata(grant, bytes(65))
    assert owner.world.refusal(owner.address, register) == MALFORMED
    run = pb.run_calldata(
        grant, b"\0", bytes(65), nonce=0, deadline=pb.NEVER_EXPIRES, owner_signature=bytes(65)
    )
    # In a run the open form is in its place, and stands for another grant.
    expected = pb.Refusal("NotGranted") if why == OPEN_FORM else MALFORMED
    assert owner.world.refusal(owner.address, run) == expected


def word_of(call: pb.RunCall, argument: int) -> int | None:
    """Return the argument of *call*, ``None`` where it is missing."""
    if argument == pb.NATIVE_VALUE:
        return call.value_wei
    found = call.arguments[32 * argument : 32 * argument + 32]
    return int.from_bytes(found, "big") if len(found) == 32 else None


def is_kept(constraint: pb.Constraint, actual: int) -> bool:
    """Say whether *actual* keeps *constraint*."""
    if constraint.operator is pb.Operator.AT_MOST:
        return actual <= constraint.values[0]
    return actual in constraint.values


def expected_of(
    grant: pb.Grant, calls: list[pb.RunCall], spent: list[int]
) -> pb.Refusal | list[int]:
    """Return what the format says of *calls*: the first refusal, or what is spent afterwards."""
    after = list(spent)
    for index, call in enumerate(calls):
        rule = grant.rules[call.rule]
        for constraint in rule.constraints:
            actual = word_of(call, constraint.argument)
            if actual is None:
                return pb.Refusal("ArgumentMissing", (index, constraint.argument))
            if not is_kept(constraint, actual):
                return pb.Refusal("ArgumentRefused", (index, constraint.argument))
        for meter in rule.meters:
            amount = word_of(call, meter.argument)
            if amount is None:
                return pb.Refusal("ArgumentMissing", (index, meter.argument))
            after[meter.cap] += amount
            if after[meter.cap] > grant.caps[meter.cap].limit:
                return pb.Refusal("CapExceeded", (index, meter.cap))
    return after


def any_rule(rng: random.Random, target: bytes) -> pb.Rule:
    """Return a rule on *target*, which takes any call and any value."""

    def argument() -> int:
        return rng.choice([0, 0, 1, 1, 2, pb.NATIVE_VALUE])

    def constraint() -> pb.Constraint:
        operator = rng.choice(list(pb.Operator))
        count = rng.randint(1, 4) if operator is pb.Operator.ONE_OF else 1
        high = rng.choice([3, 3, 3, 300, 2**256 - 1])
        return pb.Constraint(
            argument(), operator, tuple(rng.randint(0, high) for _ in range(count))
        )

    return pb.Rule(
        kind=pb.RuleKind.CALL,
        target=target,
        selector=selector("record(uint256)"),
        meters=tuple(pb.Meter(argument(), rng.randint(0, 3)) for _ in range(rng.randint(0, 3))),
        constraints=tuple(constraint() for _ in range(rng.choice([0, 0, 0, 1, 2]))),
    )


@pytest.mark.parametrize("start", range(4))
def test_the_contract_decides_as_the_format_says(owner: Owner, start: int) -> None:
    """Random rules and calls: same verdict, same refusal with the same numbers, same counters."""
    rng = random.Random(start)  # noqa: S311 - for variety, not for secrecy
    target = owner.world.deploy("FailingTarget")
    outcomes = {"allowed": 0, "refused": 0}
    for _ in range(8):
        caps = tuple(pb.Cap(rng.choice([0, 5, 12, 40, 2**128 - 1])) for _ in range(4))
        rules = [any_rule(rng, target) for _ in range(rng.randint(1, 3))]
        session = Session.opened(owner, *rules, caps=caps)
        session.register()
        spent, nonce = [0] * 4, 0
        for _ in range(6):
            calls = [
                pb.RunCall(
                    rule := rng.randrange(len(rules)),
                    words(*(rng.choice(_WORDS) for _ in range(rng.choice([1, 2, 3, 3, 3, 3])))),
                    rng.randint(0, 3) if rules[rule].carries_value else 0,
                )
                for _ in range(rng.randint(1, 3))
            ]
            expected = expected_of(session.grant, calls, spent)
            data = session.run(*calls, nonce=nonce)
            if isinstance(expected, pb.Refusal):
                assert session.refusal(data) == expected
                outcomes["refused"] += 1
                continue
            assert session.submit(data).succeeded
            spent, nonce = expected, nonce + 1
            later = [session.cap_state(index).spent for index in (1, 2, 3)]
            assert [session.state.spent, *later] == spent
            outcomes["allowed"] += 1
    assert min(outcomes.values()) > 5, "the cases must not all be of one kind"
