"""The account vouches for one run to itself; nobody else gets anything out of that."""

from __future__ import annotations

import pytest

from tests.chain.clones import Clone, Factory
from tests.chain.executions import execution, fresh_nonce, op_data, paid
from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import RECIPIENT, World, fresh_secret, selector, transfer, words
from valetkey.devchain import DevKey
from valetkey.spec import erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.erc7821 import Call
from valetkey.spec.multicall import multicall_calldata
from valetkey.spec.secp256k1 import address_of_key

REFUSED = pb.Refusal("SignatureRefused")
VOUCHED = bytes(64) + b"\1"
POKE = selector("poke(uint256)") + words(0)


def written(session: Session, *calls: pb.RunCall, nonce: int, deadline: int) -> bytes:
    """Return the run that the account makes of an execution with *calls*, to the byte."""
    packed = pb.pack_run(session.grant, calls, session.tree)
    return pb.run_calldata(packed.grant, packed.calls, VOUCHED, nonce=nonce, deadline=deadline)


def arm(world: World, target: bytes, data: bytes) -> None:
    """Let *target* call its caller back with *data*."""
    padded = words(32, len(data)) + data + bytes(-len(data) % 32)
    assert world.send(target, selector("arm(bytes)") + padded).succeeded


def count(world: World, target: bytes, name: str) -> int:
    """Return what *target* counted."""
    return int.from_bytes(world.call(target, selector(f"{name}()")), "big")


def test_the_run_that_is_written_counts_for_nobody_else(account: Owner) -> None:
    """Sent by itself, with what any other form of no signature might be, or beside the real one."""
    world, session = account.world, Session.opened(account)
    session.register()
    until = world.now() + 900
    alone = written(session, transfer(1), nonce=0, deadline=until)
    for v in (0, 1, 2, 26, 29, 30, 33, 255):
        assert session.refusal(alone[:-1] + bytes((v,))) == REFUSED
    real = execution(session, paid(session), run_nonce=0, run_deadline=until)
    other = written(session, transfer(1), nonce=1, deadline=until)
    again = pb.Refusal("NonceUsed")
    for acts, expected in (
        ([real], None),
        ([real, alone], REFUSED),
        ([alone, real], REFUSED),
        ([real, other], REFUSED),
        ([real, real], again),
    ):
        assert session.refusal(multicall_calldata(acts)) == expected


def test_a_target_that_calls_back_gets_nothing_twice(account: Owner) -> None:
    """Neither the execution, nor the run that it became, nor another that was not signed."""
    world = account.world
    target = world.deploy("ReenteringTarget")
    poke = pb.Rule(pb.RuleKind.CALL, target, POKE[:4])
    session = Session.opened(account, token_rule(world), poke)
    session.register()
    until = world.now() + 900
    pair = (transfer(1), pb.RunCall(1, words(0)))
    for number in range(3):
        nonce = fresh_nonce()
        data = execution(
            session,
            paid(session),
            Call(target, 0, POKE),
            rules=(0, 1),
            nonce=nonce,
            run_nonce=number,
            run_deadline=until,
        )
        inner = (
            data,
            written(session, *pair, nonce=number, deadline=until),
            written(session, transfer(1), nonce=number + 1, deadline=until),
        )[number]
        arm(world, target, inner)
        before = world.balance_of(RECIPIENT)
        assert session.submit(data).succeeded
        assert world.balance_of(RECIPIENT) == before + 1
        assert (count(world, target, "entered"), count(world, target, "succeeded")) == (
            number + 1,
            0,
        )


def test_an_execution_inside_another_is_made_under_its_own_grant(account: Owner) -> None:
    """The word that was set for the outer is taken before the inner sets its own."""
    world = account.world
    target = world.deploy("ReenteringTarget")
    poke = pb.Rule(pb.RuleKind.CALL, target, POKE[:4])
    outer, inner = Session.opened(account, poke), Session.opened(account)
    outer.register()
    inner.register()
    arm(world, target, execution(inner, paid(inner, 3)))
    before = world.balance_of(RECIPIENT)
    assert outer.submit(execution(outer, Call(target, 0, POKE))).succeeded
    assert world.balance_of(RECIPIENT) == before + 3
    assert (outer.state.calls_used, inner.state.calls_used) == (1, 1)


def test_a_session_key_that_submits_its_own_execution_leaves_nothing_behind(
    account: Owner,
) -> None:
    """Its run needs no word, so none is set that somebody could take later."""
    world = account.world
    target = world.deploy("ReenteringTarget")
    poke = pb.Rule(pb.RuleKind.CALL, target, POKE[:4])
    session = Session.opened(account, poke)
    session.register()
    key = DevKey(session.secret, address_of_key(session.secret))
    assert world.send(key.address, value_wei=10**17).succeeded
    until = world.now() + 900
    arm(world, target, written(session, pb.RunCall(0, words(0)), nonce=0, deadline=until))
    data = execution(session, Call(target, 0, POKE), run_nonce=0, run_deadline=until)
    assert world.send(account.address, data, by=key).succeeded
    assert (count(world, target, "entered"), count(world, target, "succeeded")) == (1, 0)
    assert session.state.calls_used == 1


@pytest.mark.parametrize("is_own", [True, False], ids=["sent by the key", "relayed"])
def test_no_word_is_left_for_a_budget_that_begins_anew(factory: Factory, is_own: bool) -> None:  # noqa: FBT001
    """
    The run that was made is not made again without a signature, where no nonce stands against it.

    From inside its call the account is handed on and the same grant is signed anew, so the nonces
    begin again; then the run comes back as the account wrote it.
    """
    account = Clone.deployed(factory)
    world = account.world
    target = world.deploy("ReenteringTarget")
    session = Session.opened(account, pb.Rule(pb.RuleKind.CALL, target, POKE[:4]))
    session.register()
    heir = account.owned_by(fresh_secret())
    until = world.now() + 900
    again = Session(heir, session.grant, session.secret).owner_signature(epoch=1)
    acts = [
        account.transfer_note(heir.key.address),
        pb.register_calldata(session.packed, again),
        written(session, pb.RunCall(0, words(0)), nonce=0, deadline=until),
    ]
    arm(world, target, multicall_calldata(acts))
    data = execution(session, Call(target, 0, POKE), run_nonce=0, run_deadline=until)
    key = DevKey(session.secret, address_of_key(session.secret))
    assert world.send(key.address, value_wei=10**17).succeeded
    assert world.send(account.address, data, by=key if is_own else None).succeeded
    assert (count(world, target, "entered"), count(world, target, "succeeded")) == (1, 0)
    arm(world, target, multicall_calldata(acts[:2]))
    once_more = execution(session, Call(target, 0, POKE), run_deadline=until)
    assert session.submit(once_more).succeeded
    assert (count(world, target, "entered"), count(world, target, "succeeded")) == (2, 1)


def test_an_unfinished_execution_leaves_nothing_behind(account: Owner) -> None:
    """What is refused inside is refused with everything that was set for it."""
    world, session = account.world, Session.opened(account, max_calls=1)
    session.register()
    calls = [paid(session), paid(session)]
    refused = erc7821.execute_calldata(calls, op_data=op_data(session, calls))
    assert session.refusal(refused) == pb.Refusal("TooManyCalls")
    assert not session.submit(refused).succeeded
    assert session.state == pb.SlotState(pb.Status.OPEN)
    assert world.refusal(account.address, execution(session, paid(session))) is None
