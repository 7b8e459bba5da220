"""Any calls, for the owner alone (ERC-7821)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from eth_abi.abi import encode

from tests.chain.clones import Clone, Factory, signed_execution
from tests.chain.session import Owner, Session
from tests.chain.world import RECIPIENT, TRANSFER, selector, transfer, words
from valetkey.devchain import CHAIN_ID
from valetkey.spec import erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.erc7821 import Call
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from tests.chain.world import World

ONLY = pb.Refusal("OnlyAccount")
REFUSED = pb.Refusal("SignatureRefused")


def payment(world: World, amount: int = 1) -> Call:
    """Return a transfer of the token."""
    return Call(world.token, 0, TRANSFER + words(RECIPIENT, amount))


def test_the_owner_makes_any_calls_in_one_transaction(account: Owner) -> None:
    """Tokens, native value, and the account itself, whose address zeros stand for."""
    world = account.world
    session = Session.opened(account)
    session.register()
    before, wei = world.balance_of(RECIPIENT), world.wei_of(RECIPIENT)
    calls = [
        payment(world, 3),
        Call(RECIPIENT, 5),
        Call(bytes(20), 0, pb.revoke_calldata(session.id)),
    ]
    assert account.send_self(erc7821.execute_calldata(calls)).succeeded
    assert (world.balance_of(RECIPIENT), world.wei_of(RECIPIENT)) == (before + 3, wei + 5)
    assert session.state.status is pb.Status.REVOKED


def test_nobody_else_sends_calls_without_a_signature(account: Owner) -> None:
    """In neither mode, not even none at all, and not with an empty signature beside them."""
    world = account.world
    session = Session.opened(account)
    session.register()
    holder = address_of_key(session.secret)
    for calls in ([], [payment(world)]):
        for mode in (erc7821.BATCH, erc7821.BATCH_SIGNED):
            data = erc7821.execute_calldata(calls, mode=mode)
            for sender in (None, holder, bytes(20)):
                assert world.refusal(account.address, data, sender=sender) == ONLY
        rows = [(call.to, call.value_wei, call.data) for call in calls]
        data = encode(["(address,uint256,bytes)[]", "bytes"], [rows, b""])
        data = encode(["bytes32", "bytes"], [erc7821.BATCH_SIGNED, data])
        assert world.refusal(account.address, selector("execute(bytes32,bytes)") + data) == ONLY


def test_anyone_submits_what_the_owner_has_signed_once(account: Owner) -> None:
    """The nonce under its key is used up; the next one counts."""
    world = account.world
    before = world.balance_of(RECIPIENT)
    for nonce in (0, 1):
        data = signed_execution(account, [payment(world)], nonce=nonce)
        assert world.send(account.address, data).succeeded
        assert world.refusal(account.address, data) == pb.Refusal("NonceUsed")
    assert world.balance_of(RECIPIENT) == before + 2
    asked = erc7821.execute_nonce_calldata(0)
    assert world.call(account.address, asked) == words(2)


def test_signed_calls_under_several_keys_do_not_wait_for_each_other(account: Owner) -> None:
    """Under one key they come in order."""
    world = account.world
    key = 7 << 64
    ahead = signed_execution(account, [payment(world)], nonce=key + 1)
    assert world.refusal(account.address, ahead) == pb.Refusal("NonceTooFar")
    first = signed_execution(account, [payment(world)], nonce=key)
    assert world.refusal(account.address, first) is None
    assert world.send(account.address, signed_execution(account, [], nonce=0)).succeeded
    assert world.send(account.address, first).succeeded
    assert world.send(account.address, ahead).succeeded
    assert world.call(account.address, erc7821.execute_nonce_calldata(7)) == words(key + 2)


def test_a_deadline_is_the_first_second_too_late(account: Owner) -> None:
    """A second before it is still accepted."""
    world = account.world
    until = world.now() + 500
    data = signed_execution(account, [payment(world)], deadline=until)
    world.mine_at(until - 1)
    assert world.refusal(account.address, data) is None
    world.mine_at(until)
    assert world.refusal(account.address, data) == pb.Refusal("DeadlinePassed")


def test_other_calls_than_those_signed_are_refused(account: Owner) -> None:
    """As are another nonce, deadline, account, chain or signer, and a cut signature."""
    world, until = account.world, account.world.now() + 500
    calls = [payment(world)]
    where = {"nonce": 0, "deadline": until, "chain_id": CHAIN_ID, "account": account.address}
    signature = account.sign(erc7821.execute_typed_data(calls, **where))  # type: ignore[arg-type]

    def refusal(made: list[Call], op_data: bytes) -> object:
        data = erc7821.execute_calldata(made, op_data=op_data)
        return world.refusal(account.address, data)

    good = erc7821.op_data(0, until, signature)
    assert refusal(calls, good) is None
    for made in ([payment(world, 2)], [], [*calls, *calls], [Call(RECIPIENT, 0, calls[0].data)]):
        assert refusal(made, good) == REFUSED
    assert refusal(calls, erc7821.op_data(1, until, signature)) == REFUSED
    assert refusal(calls, erc7821.op_data(0, until + 1, signature)) == REFUSED
    for changed in ({"account": RECIPIENT}, {"chain_id": 1}):
        typed = erc7821.execute_typed_data(calls, **(where | changed))  # type: ignore[arg-type]
        assert refusal(calls, erc7821.op_data(0, until, account.sign(typed))) == REFUSED
    typed = erc7821.execute_typed_data(calls, **where)  # type: ignore[arg-type]
    stranger = Owner(world).sign(typed)
    assert refusal(calls, erc7821.op_data(0, until, stranger)) == REFUSED
    for cut in (good[:-1], good[:64], b"\0"):
        assert refusal(calls, cut) == pb.Refusal("Malformed")
    # What follows says whose signature it is instead.
    assert refusal(calls, good + b"\0") == REFUSED


def test_a_failing_call_undoes_all_and_leaves_the_nonce(account: Owner) -> None:
    """With the reason of the one that failed."""
    world = account.world
    failing = world.deploy("FailingTarget")
    fail = Call(failing, 0, selector("fail(uint256)") + words(9))
    before = world.balance_of(RECIPIENT)
    data = signed_execution(account, [payment(world), fail])
    assert world.refusal(account.address, data) == selector("Because(uint256)") + words(9)
    assert not world.send(account.address, data).succeeded
    assert world.balance_of(RECIPIENT) == before
    assert world.call(account.address, erc7821.execute_nonce_calldata(0)) == words(0)


def test_a_session_key_signs_no_calls(account: Owner) -> None:
    """Its power is its grant, whatever it signs."""
    world = account.world
    session = Session.opened(account)
    session.register()
    until = world.now() + 500
    calls = [payment(world)]
    typed = erc7821.execute_typed_data(
        calls, nonce=0, deadline=until, chain_id=CHAIN_ID, account=account.address
    )
    op_data = erc7821.op_data(0, until, Owner(world, session.secret).sign(typed))
    data = erc7821.execute_calldata(calls, op_data=op_data)
    assert world.refusal(account.address, data) == REFUSED


def test_a_session_on_another_account_reaches_no_calls_here(account: Owner) -> None:
    """The sender is then that other account, which owns nothing here."""
    world = account.world
    other = Owner.delegated(world)
    data = erc7821.execute_calldata([payment(world)])
    rule = pb.Rule(pb.RuleKind.CALL, account.address, data[:4])
    session = Session.opened(other, rule)
    assert session.refusal(session.run(pb.RunCall(0, data[4:]), first=True)) == ONLY


def test_a_signed_execution_that_calls_back_is_not_made_twice(account: Owner) -> None:
    """The nonce is used before the first call."""
    world = account.world
    target = world.deploy("ReenteringTarget")
    poke = Call(target, 0, selector("poke(uint256)") + words(0))
    data = signed_execution(account, [payment(world), poke])
    world.send(
        target, selector("arm(bytes)") + words(32, len(data)) + data + bytes(-len(data) % 32)
    )
    before = world.balance_of(RECIPIENT)
    assert world.send(account.address, data).succeeded
    assert world.balance_of(RECIPIENT) == before + 1
    assert int.from_bytes(world.call(target, selector("succeeded()")), "big") == 0


@pytest.mark.parametrize(
    ("mode", "is_taken"),
    [
        (erc7821.BATCH, True),
        (erc7821.BATCH_SIGNED, True),
        (bytes.fromhex("01000000000000000000").ljust(32, b"\xaa"), True),
        (bytes(32), False),
        (b"\x01\x01".ljust(32, b"\0"), False),
        (bytes.fromhex("01000000000078210002").ljust(32, b"\0"), False),
        (b"\xff".ljust(32, b"\0"), False),
    ],
)
def test_a_mode_is_taken_or_refused_as_the_account_says(
    account: Owner,
    mode: bytes,
    is_taken: bool,  # noqa: FBT001
) -> None:
    """A batch that reverts on failure, with or without a signature; nothing else."""
    world = account.world
    asked = erc7821.supports_execution_mode_calldata(mode)
    assert world.call(account.address, asked) == words(int(is_taken))
    data = erc7821.execute_calldata([payment(world)], mode=mode)
    sender = account.key.address if isinstance(account, Clone) else account.address
    expected = None if is_taken else pb.Refusal("ModeRefused", (int.from_bytes(mode, "big"),))
    assert world.refusal(account.address, data, sender=sender) == expected


def test_a_signature_beside_calls_counts_in_its_mode_only(account: Owner) -> None:
    """In the mode without one it is refused, not passed over."""
    data = bytearray(signed_execution(account, [payment(account.world)]))
    data[4:36] = erc7821.BATCH
    assert account.world.refusal(account.address, bytes(data)) == pb.Refusal("Malformed")


def test_native_value_sent_along_stays_in_the_account(account: Owner) -> None:
    """It is not forwarded, and not needed."""
    world = account.world
    before = world.wei_of(account.address)
    data = signed_execution(account, [Call(RECIPIENT, 5)])
    assert world.send(account.address, data, value_wei=7).succeeded
    assert world.wei_of(account.address) == before + 2


def test_an_execution_signed_by_the_owner_before_is_refused(factory: Factory) -> None:
    """Handing an account on takes the calls back that were signed and not submitted."""
    account = Clone.deployed(factory)
    data = signed_execution(account, [payment(account.world)])
    new = Owner(account.world)
    assert account.world.send(account.address, account.transfer_note(new.address)).succeeded
    assert account.world.refusal(account.address, data) == REFUSED


def test_sessions_go_on_beside_the_owners_own_calls(account: Owner) -> None:
    """The nonces of both are apart."""
    session = Session.opened(account)
    assert session.submit(session.run(transfer(1), first=True)).succeeded
    data = signed_execution(account, [payment(account.world)])
    assert account.world.send(account.address, data).succeeded
    assert session.submit(session.run(transfer(1), nonce=1)).succeeded
