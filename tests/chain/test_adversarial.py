"""What an attacker with a session key, a relayer or a hostile target can try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import ORDER, RECIPIENT, USDC, fresh_secret, selector, transfer, words
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from tests.chain.world import World

REFUSED = pb.Refusal("SignatureRefused")


def other_half(signature: bytes) -> bytes:
    """Return the second signature that the first implies: high ``s``, the other ``v``."""
    high = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + high.to_bytes(32, "big") + bytes((55 - signature[64],))


def test_the_account_itself_is_never_a_target(owner: Owner) -> None:
    """A session that could call its own account would be the owner; no signature grants that."""
    epoch = pb.Rule(pb.RuleKind.CALL, owner.address, pb.raise_epoch_calldata())
    session = Session.opened(owner, token_rule(owner.world), epoch)
    expected = pb.Refusal("TargetForbidden", (1,))
    assert session.refusal(session.run(pb.RunCall(1), first=True)) == expected
    assert session.refusal(session.run(transfer(1), first=True)) == expected
    register = pb.register_calldata(session.packed, session.owner_signature())
    assert session.refusal(register) == expected


def test_the_zero_address_is_never_a_target(owner: Owner) -> None:
    """A rule on it is not of the format, whoever signed it."""
    session = Session.opened(owner)
    zeros = session.packed.replace(owner.world.token, bytes(20))
    register = pb.register_calldata(zeros, session.owner_signature())
    assert session.refusal(register) == pb.Refusal("Malformed")


@pytest.mark.parametrize("is_native", [False, True], ids=["call", "send"])
def test_a_target_that_calls_back_spends_nothing_twice(owner: Owner, is_native: bool) -> None:  # noqa: FBT001
    """
    State is written before the first call.

    A second run from inside sees what the first has spent, and the first run itself is used up.
    """
    world = owner.world
    target = world.deploy("ReenteringTarget")
    if is_native:
        rule = pb.Rule(pb.RuleKind.SEND, target, None, (pb.Meter(pb.NATIVE_VALUE, 0),))
        spend = pb.RunCall(0, value_wei=6)
    else:
        rule = pb.Rule(pb.RuleKind.CALL, target, selector("poke(uint256)"), (pb.Meter(0, 0),))
        spend = pb.RunCall(0, words(6))
    session = Session.opened(owner, rule, caps=(pb.Cap(10),))
    session.register()
    outer = session.run(spend)
    for kept in (outer, session.run(spend, nonce=1)):
        world.send(target, selector("arm(bytes)") + words(32, len(kept)) + kept)
        assert session.refusal(outer) is None
    assert session.submit(outer).succeeded
    assert int.from_bytes(world.call(target, selector("entered()")), "big") == 1
    assert int.from_bytes(world.call(target, selector("succeeded()")), "big") == 0
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1, spent=6)


def test_a_run_from_inside_that_fits_the_cap_is_counted(owner: Owner) -> None:
    """Calling back is allowed; both runs are booked, and neither overwrites the other."""
    world = owner.world
    target = world.deploy("ReenteringTarget")
    rule = pb.Rule(
        pb.RuleKind.CALL, target, selector("poke(uint256)"), (pb.Meter(0, 0), pb.Meter(0, 1))
    )
    session = Session.opened(owner, rule, caps=(pb.Cap(10), pb.Cap(10)))
    session.register()
    inner = session.run(pb.RunCall(0, words(4)), nonce=1)
    world.send(target, selector("arm(bytes)") + words(32, len(inner)) + inner)
    assert session.submit(session.run(pb.RunCall(0, words(6)))).succeeded
    assert int.from_bytes(world.call(target, selector("succeeded()")), "big") == 1
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=2, nonce_base=2, spent=10)
    assert session.cap_state(1) == pb.CapState(0, 10)


def test_a_batch_that_fails_in_part_changes_nothing(owner: Owner) -> None:
    """All calls or none: balances, counters and the nonce stay; the reason is handed on."""
    world = owner.world
    failing = world.deploy("FailingTarget")
    rules = (
        token_rule(world, meters=[pb.Meter(1, 0), pb.Meter(1, 1)]),
        pb.Rule(pb.RuleKind.CALL, failing, selector("fail(uint256)")),
        pb.Rule(pb.RuleKind.CALL, failing, selector("failWithText(uint256)")),
    )
    session = Session.opened(owner, *rules, caps=(pb.Cap(USDC), pb.Cap(USDC)))
    session.register()
    before = world.balance_of(RECIPIENT)
    data = session.run(transfer(5), pb.RunCall(1, words(77)), transfer(5))
    assert not session.submit(data).succeeded
    assert session.refusal(data) == selector("Because(uint256)") + words(77)
    text = session.refusal(session.run(pb.RunCall(2, words(0))))
    assert isinstance(text, bytes)
    assert b"no, not today" in text
    assert world.balance_of(RECIPIENT) == before
    assert session.state == pb.SlotState(pb.Status.OPEN)
    assert session.cap_state(1) == pb.CapState()


def test_endless_answers_cost_the_relayer_nothing(owner: Owner) -> None:
    """What a target returns is not copied, and of a reason no more than 4096 bytes are."""
    bomb = owner.world.deploy("BombTarget")
    rules = (
        pb.Rule(pb.RuleKind.CALL, bomb, selector("returnBytes(uint256)")),
        pb.Rule(pb.RuleKind.CALL, bomb, selector("revertBytes(uint256)")),
    )
    session = Session.opened(owner, *rules)
    session.register()
    sizes = (0, 200_000)
    gas = []
    for nonce, size in enumerate(sizes):
        receipt = session.submit(session.run(pb.RunCall(0, words(size)), nonce=nonce))
        assert receipt.succeeded
        gas.append(receipt.gas_used)
    memory = sizes[1] // 32
    its_own = 3 * memory + memory * memory // 512
    assert gas[1] - gas[0] < its_own + 1_000
    for size in (0, 4096, 200_000):
        reason = session.refusal(session.run(pb.RunCall(1, words(size)), nonce=2))
        assert reason == bytes(min(size, 4096))


def test_a_run_holds_on_its_account_and_chain_only(owner: Owner) -> None:
    """Account and chain are part of what the session key signs."""
    world = owner.world
    session = Session.opened(owner)
    session.register()
    twin = Owner.delegated(world)
    same = Session(twin, session.grant, session.secret)
    same.register()
    run = session.run(transfer(1))
    assert session.refusal(run) is None
    assert same.refusal(run) == REFUSED
    assert session.refusal(session.run(transfer(1), account=twin.address)) == REFUSED
    assert session.refusal(session.run(transfer(1), chain_id=1)) == REFUSED


def test_a_grant_of_one_account_opens_nothing_on_another(owner: Owner) -> None:
    """The owner's signature is over the account."""
    session = Session.opened(owner)
    elsewhere = Session(Owner.delegated(owner.world), session.grant, session.secret)
    data = elsewhere.run(transfer(1), first=True)
    foreign = data[:-65] + session.owner_signature()
    assert elsewhere.refusal(foreign) == pb.Refusal("NotGranted")


def test_another_key_signs_nothing(owner: Owner) -> None:
    """Neither a stranger's key nor the owner's own passes for the session key."""
    session = Session.opened(owner)
    session.register()
    for secret in (fresh_secret(), owner.secret):
        forged = Session(owner, session.grant, secret)
        assert session.refusal(forged.run(transfer(1))) == REFUSED


def test_the_second_signature_that_each_implies_is_refused(owner: Owner) -> None:
    """Only low ``s`` counts, for runs and for grants."""
    session = Session.opened(owner)
    good = session.run(transfer(1), first=True)
    run, grant = good[-130:-65], good[-65:]
    assert session.refusal(good[:-130] + other_half(run) + grant) == REFUSED
    malleated = good[:-130] + run + other_half(grant)
    assert session.refusal(malleated) == pb.Refusal("NotGranted")


@pytest.mark.parametrize("v", [0, 1, 26, 29, 30, 33, 34, 35, 255])
def test_another_v_is_refused(owner: Owner, v: int) -> None:
    """27 and 28 for the digest, 31 and 32 for its personal form; nothing else means anything."""
    session = Session.opened(owner)
    session.register()
    good = session.run(transfer(1))
    assert session.refusal(good[:-1] + bytes((v,))) == REFUSED


def test_a_personal_signature_is_not_one_over_the_digest(owner: Owner) -> None:
    """Each form has its own ``v``; exchanging it changes the signer."""
    session = Session.opened(owner)
    session.register()
    for is_personal, shift in ((True, -4), (False, 4)):
        data = session.run(transfer(1), personal=is_personal)
        assert session.refusal(data[:-1] + bytes((data[-1] + shift,))) == REFUSED


def test_zeros_are_no_signature_of_the_zero_address(owner: Owner) -> None:
    """A failed recovery is not an address, and a key of zeros is not of the format."""
    session = Session.opened(owner)
    session.register()
    data = session.run(transfer(1))
    assert session.refusal(data[:-65] + bytes(65)) == REFUSED
    zero_key = session.packed[:2] + bytes(20) + session.packed[22:]
    register = pb.register_calldata(zero_key, session.owner_signature())
    assert session.refusal(register) == pb.Refusal("Malformed")


def test_a_failed_recovery_leaves_no_signer_behind(owner: Owner) -> None:
    """Though the owner was recovered just before, zeros are not the owner's second signature."""
    session = Session.opened(owner, key=owner.address)
    session.secret = owner.secret
    good = session.run(transfer(1), first=True)
    assert session.refusal(good) is None
    for v in (0, 27, 28, 31, 32):
        zeros = bytes(64) + bytes((v,))
        assert session.refusal(good[:-130] + zeros + good[-65:]) == REFUSED


@pytest.mark.parametrize("is_open", [False, True], ids=["first", "open"])
def test_every_truncation_of_a_run_is_refused(owner: Owner, is_open: bool) -> None:  # noqa: FBT001
    """A run that arrives short is no other run."""
    session = Session.opened(owner)
    if is_open:
        session.register()
    data = session.run(transfer(1), first=not is_open)
    for end in range(4, len(data)):
        assert isinstance(session.refusal(data[:end]), pb.Refusal)
    assert session.refusal(data) is None


@pytest.mark.parametrize("more", [b"\0", b"\xff", bytes(65), bytes(200)])
def test_nothing_may_follow_a_run(owner: Owner, more: bytes) -> None:
    """Whatever stands behind it is taken for the signature, which it is not."""
    session = Session.opened(owner)
    session.register()
    assert session.refusal(session.run(transfer(1)) + more) == REFUSED


def test_calls_that_do_not_fill_their_room_are_refused(owner: Owner) -> None:
    """The session key signs bytes; what it signs must be calls to the last byte."""
    session = Session.opened(owner)
    calls = pb.encode_calls(session.grant, [transfer(1)])
    for packed in (calls + b"\0", calls[:-1], b"\2" + calls[1:], b"\0" + calls[1:], b"\xff"):
        refusal = session.refusal(session.packed_run(packed, first=True))
        assert isinstance(refusal, pb.Refusal)
        assert refusal.name in {"Malformed", "NoSuchRule"}


def test_a_session_key_cannot_raise_its_own_limits(world: World, owner: Owner) -> None:
    """Other bytes are another grant, and that one has no signature of the owner."""
    rule = token_rule(world, meters=[pb.Meter(1, 0)])
    small = Session.opened(owner, rule, caps=(pb.Cap(1),))
    small.register()
    large = Session(owner, pb.decode_grant(small.packed.replace(words(1)[16:], words(9)[16:])), b"")
    large.secret = small.secret
    assert large.grant.caps == (pb.Cap(9),)
    assert small.refusal(large.run(transfer(9))) == pb.Refusal("NotGranted")
    stolen = large.run(transfer(9)) + small.owner_signature()
    stolen = stolen[:4] + (0x8000 | len(large.packed)).to_bytes(2, "big") + stolen[6:]
    assert small.refusal(stolen) == pb.Refusal("NotGranted")


def test_a_frozen_budget_is_not_a_fresh_one(owner: Owner) -> None:
    """Freezing and unfreezing keep what was spent."""
    rule = token_rule(owner.world, meters=[pb.Meter(1, 0)])
    session = Session.opened(owner, rule, caps=(pb.Cap(10),))
    assert session.submit(session.run(transfer(10), first=True)).succeeded
    assert owner.send_self(pb.freeze_calldata(session.id)).succeeded
    assert owner.send_self(pb.unfreeze_calldata(session.id)).succeeded
    assert session.refusal(session.run(transfer(1), nonce=1)) == pb.Refusal("CapExceeded", (0, 0))
