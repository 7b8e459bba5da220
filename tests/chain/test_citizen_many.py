"""Many acts on an account in one transaction."""

from __future__ import annotations

from tests.chain.clones import signed_execution
from tests.chain.session import Owner, Session
from tests.chain.world import RECIPIENT, TRANSFER, transfer, words
from valetkey.devchain import CHAIN_ID
from valetkey.spec import permission_bytes as pb
from valetkey.spec.erc7821 import Call, execute_calldata
from valetkey.spec.multicall import multicall_calldata
from valetkey.spec.secp256k1 import address_of_key


def test_many_acts_are_done_in_one_transaction(account: Owner) -> None:
    """Register, run and revoke several sessions, by signatures of owner and keys mixed."""
    world = account.world
    one, two, gone = (Session.opened(account) for _ in range(3))
    typed = pb.revoke_typed_data(gone.id, chain_id=CHAIN_ID, account=account.address)
    before = world.balance_of(RECIPIENT)
    data = multicall_calldata(
        [
            pb.register_calldata(one.packed, one.owner_signature()),
            one.run(transfer(2)),
            two.run(transfer(3), first=True),
            pb.revoke_signed_calldata(gone.id, account.sign(typed)),
            signed_execution(account, [Call(world.token, 0, TRANSFER + words(RECIPIENT, 4))]),
            multicall_calldata([one.run(transfer(5), nonce=1)]),
        ]
    )
    assert world.send(account.address, data).succeeded
    assert world.balance_of(RECIPIENT) == before + 14
    assert (one.state.calls_used, two.state.calls_used) == (2, 1)
    assert gone.state.status is pb.Status.REVOKED


def test_many_acts_are_all_done_or_none(account: Owner) -> None:
    """The first refusal undoes what came before it, and is the reason."""
    world = account.world
    session = Session.opened(account)
    before = world.balance_of(RECIPIENT)
    data = multicall_calldata([session.run(transfer(1), first=True), session.run(transfer(1))])
    assert world.refusal(account.address, data) == pb.Refusal("NonceUsed")
    assert not world.send(account.address, data).succeeded
    assert (world.balance_of(RECIPIENT), session.state) == (before, pb.SlotState())


def test_going_through_many_acts_makes_nobody_the_account(account: Owner) -> None:
    """Each act is checked for who sent the whole: a stranger stays one, also twice inside."""
    world = account.world
    session = Session.opened(account)
    session.register()
    stranger = address_of_key(session.secret)
    for act in (
        pb.revoke_calldata(session.id),
        pb.freeze_calldata(session.id),
        pb.raise_epoch_calldata(),
        execute_calldata([Call(world.token, 0, TRANSFER + words(RECIPIENT, 1))]),
    ):
        for data in (multicall_calldata([act]), multicall_calldata([multicall_calldata([act])])):
            found = world.refusal(account.address, data, sender=stranger)
            assert found == pb.Refusal("OnlyAccount")
    assert account.send_self(multicall_calldata([pb.revoke_calldata(session.id)])).succeeded
    assert session.state.status is pb.Status.REVOKED


def test_no_value_is_counted_twice_through_many_acts(account: Owner) -> None:
    """Several acts see one value: so none is taken at all, though a single act may carry some."""
    session = Session.opened(account)
    session.register()
    many = multicall_calldata([session.run(transfer(1)), session.run(transfer(1), nonce=1)])
    before = account.world.wei_of(account.address)
    assert not account.world.send(account.address, many, value_wei=5).succeeded
    run = session.run(transfer(1))
    assert account.world.send(account.address, run, value_wei=5).succeeded
    assert account.world.wei_of(account.address) == before + 5
