"""What must never be possible, at the edges: replays, mixed-up purposes, counters that are full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.session import Session, token_rule
from tests.chain.world import selector, transfer, words
from valetkey.devchain import CHAIN_ID, NodeError
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest

if TYPE_CHECKING:
    from tests.chain.session import Owner
    from tests.chain.world import World

FULL = 2**32 - 1
REFUSED = pb.Refusal("SignatureRefused")


def put(session: Session, state: pb.SlotState) -> None:
    """Set what the chain keeps of the grant, where the local chain can."""
    slot, word = pb.state_slot(session.id), pb.encode_slot_state(state)
    where = [f"0x{part.hex()}" for part in (session.account, slot, word)]
    try:
        session.world.rpc.ask("anvil_setStorageAt", *where)
    except NodeError:
        pytest.skip("this chain sets no storage")


def test_a_run_that_reverted_is_worth_nothing_after_its_deadline(owner: Owner) -> None:
    """It has used no nonce, so anyone may submit it again, but not for longer than it says."""
    world = owner.world
    target = world.deploy("FailingTarget")
    session = Session.opened(
        owner, pb.Rule(pb.RuleKind.CALL, target, selector("failWithText(uint256)"))
    )
    session.register()
    deadline = world.now() + 100
    run = session.run(pb.RunCall(0, words(1)), deadline=deadline)
    assert not session.submit(run).succeeded
    assert session.state == pb.SlotState(pb.Status.OPEN)
    assert b"no, not today" in reason(session, run)
    world.mine_at(deadline)
    assert session.refusal(run) == pb.Refusal("DeadlinePassed")


def reason(session: Session, run: bytes) -> bytes:
    """Return the reason of a call inside *run*, not one of the account's."""
    found = session.refusal(run)
    assert isinstance(found, bytes)
    return found


def test_an_empty_run_is_not_replayed(owner: Owner) -> None:
    """It uses its nonce like any other."""
    session = Session.opened(owner)
    run = session.run(first=True)
    assert session.submit(run).succeeded
    assert session.refusal(run) == pb.Refusal("NonceUsed")
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1)


def test_a_signature_for_one_purpose_serves_no_other(owner: Owner) -> None:
    """Grant, revoke, freeze, unfreeze and run are different structs, whoever signs them."""
    session = Session.opened(owner)
    revoke = owner.sign(
        pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=session.account)
    )
    freeze = owner.sign(
        pb.freeze_typed_data(session.id, sequence=0, chain_id=CHAIN_ID, account=session.account)
    )
    grant = session.owner_signature()
    for other in (revoke, freeze):
        register = pb.register_calldata(session.packed, other)
        assert session.refusal(register) == pb.Refusal("NotGranted")
    for other in (grant, freeze):
        assert session.refusal(pb.revoke_signed_calldata(session.id, other)) == REFUSED
    for other in (grant, revoke):
        assert session.refusal(pb.freeze_signed_calldata(session.id, other)) == REFUSED
        assert session.refusal(pb.unfreeze_signed_calldata(session.id, other)) == REFUSED
    session.register()
    run = session.run(transfer(1))
    for other in (grant, revoke, freeze):
        assert session.refusal(run[:-65] + other) == REFUSED
    assert session.refusal(run) is None


def test_the_session_key_is_not_the_owner(owner: Owner) -> None:
    """It ends its own session by its own function; what asks for the owner refuses it."""
    session = Session.opened(owner)
    session.register()
    typed = pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=session.account)
    note = session.signature(digest(typed))
    assert session.refusal(pb.revoke_signed_calldata(session.id, note)) == REFUSED
    assert session.refusal(pb.revoke_by_key_calldata(session.packed, note)) is None


def test_the_count_of_calls_does_not_overflow(owner: Owner) -> None:
    """At the last of 2**32 - 1 calls and nonces nothing spills into the fields beside them."""
    session = Session.opened(owner, max_calls=pb.NO_CALL_LIMIT)
    session.register()
    last = pb.SlotState(pb.Status.OPEN, FULL - 1, nonce_base=FULL - 1, spent=7)
    put(session, last)
    two = session.run(transfer(1), transfer(1), nonce=FULL - 1)
    assert session.refusal(two) == pb.Refusal("TooManyCalls")
    assert session.submit(session.run(transfer(1), nonce=FULL - 1)).succeeded
    assert session.state == pb.SlotState(pb.Status.OPEN, FULL, nonce_base=FULL, spent=7)
    assert session.refusal(session.run(transfer(1), nonce=FULL)) == pb.Refusal("TooManyCalls")
    assert session.refusal(session.run(nonce=FULL)) == pb.Refusal("TooManyCalls")


def test_a_batch_as_long_as_can_be_counts_every_call(world: World, owner: Owner) -> None:
    """255 calls are 255 of the limit, not one and not minus one."""
    target = world.deploy("FailingTarget")
    rule = pb.Rule(pb.RuleKind.CALL, target, selector("record(uint256)"))
    for most, expected in ((254, pb.Refusal("TooManyCalls")), (255, None)):
        session = Session.opened(owner, rule, max_calls=most)
        run = session.run(*[pb.RunCall(0, words(1))] * 255, first=True)
        assert session.refusal(run) == expected


def test_no_index_reaches_beyond_the_rules(owner: Owner) -> None:
    """Whatever stands behind the last rule is not read as one."""
    session = Session.opened(owner)
    session.register()
    call = (64).to_bytes(2, "big") + bytes(64)
    for index in (1, 2, 127, 254, 255):
        run = session.packed_run(bytes((1, index)) + call)
        assert session.refusal(run) == pb.Refusal("NoSuchRule", (0,))


def test_a_revoked_id_is_never_enabled_again(owner: Owner) -> None:
    """Neither by the same signature nor by one over a later epoch."""
    session = Session.opened(owner)
    assert owner.send_self(pb.revoke_calldata(session.id)).succeeded
    assert owner.send_self(pb.raise_epoch_calldata()).succeeded
    for epoch in (0, owner.epoch()):
        register = pb.register_calldata(session.packed, session.owner_signature(epoch))
        assert session.refusal(register) == pb.Refusal("GrantRevoked")
    assert owner.send_self(pb.freeze_calldata(session.id)).succeeded is False
    assert owner.send_self(pb.unfreeze_calldata(session.id)).succeeded is False
    assert session.state.status is pb.Status.REVOKED


def test_a_stopped_grant_is_refused_for_its_state_before_its_targets(owner: Owner) -> None:
    """The order of the checks is part of the format: step 3 asks for the state first."""
    epoch = pb.Rule(pb.RuleKind.CALL, owner.address, pb.raise_epoch_calldata())
    for stop, refusal in (
        (pb.revoke_calldata, "GrantRevoked"),
        (pb.freeze_calldata, "GrantFrozen"),
    ):
        session = Session.opened(owner, token_rule(owner.world), epoch)
        register = pb.register_calldata(session.packed, session.owner_signature())
        first = session.run(transfer(1), first=True)
        for data in (register, first):
            assert session.refusal(data) == pb.Refusal("TargetForbidden", (1,))
        owner.send_self(stop(session.id))
        for data in (register, first):
            assert session.refusal(data) == pb.Refusal(refusal)
