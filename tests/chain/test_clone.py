"""Clones: made by anyone at the one address that their owner, flags and salt lead to."""

from __future__ import annotations

import pytest

from tests.chain.clones import ETHER, Clone, Factory
from tests.chain.session import Session, token_rule
from tests.chain.world import RECIPIENT, USDC, fresh_secret, selector, transfer, words
from valetkey.spec import clone
from valetkey.spec import permission_bytes as pb
from valetkey.spec.secp256k1 import address_of_key


def owner_state(account: Clone) -> pb.OwnerState:
    """Return what the chain keeps of the account's owner."""
    return pb.decode_owner_state(account.world.storage(account.address, pb.OWNER_SLOT))


@pytest.mark.parametrize("personal", [False, True], ids=["typed", "personal"])
def test_the_address_follows_from_owner_flags_and_salt_alone(
    factory: Factory,
    personal: bool,  # noqa: FBT001
) -> None:
    """Python, the factory's view and the deployed account agree; the code is ERC-1167's."""
    world = factory.world
    account = Clone.planned(factory, personal=personal, salt=5)
    key = account.key.address
    asked = clone.address_of_calldata(key, account.salt, personal=personal)
    assert world.call(factory.address, asked) == words(account.address)
    assert account.deploy().succeeded
    assert world.code_of(account.address) == clone.runtime_code(factory.implementation)
    assert owner_state(account) == pb.OwnerState(key, takes_personal=personal)
    assert world.call(account.address, clone.owner_calldata()) == words(key)
    assert world.call(account.address, clone.is_personal_calldata()) == words(int(personal))
    assert account.epoch() == 0


def test_nobody_deploys_an_account_with_another_owner_or_other_flags(factory: Factory) -> None:
    """Whoever is first with other facts makes another account: the place of this one stays free."""
    account = Clone.planned(factory, salt=1)
    thief = Clone.planned(factory, salt=1)
    personal = Clone(account.world, account.secret, factory, account.salt, is_made_personal=True)
    others = [thief, personal, Clone(account.world, account.secret, factory, words(2))]
    assert len({account.address, *(other.address for other in others)}) == 4
    for other in others:
        assert other.deploy().succeeded
    assert account.world.code_of(account.address) == b""
    assert account.world.send(factory.address, account.deploy_data(), by=thief.key).succeeded
    assert owner_state(account) == pb.OwnerState(account.key.address)


def test_an_account_is_made_once_and_never_initialised_again(factory: Factory) -> None:
    """There is no function for it: the owner is written by the code that makes the account."""
    account = Clone.deployed(factory)
    before = owner_state(account)
    assert account.deploy().topics == ()
    attacker = words(address_of_key(fresh_secret()))
    for guess in ("initialize(address)", "init(address)", "setOwner(address)", "setup(address)"):
        data = selector(guess) + attacker
        assert account.world.reason(account.address, data) == b""
        assert account.world.reason(account.address, data, sender=factory.address) == b""
    assert owner_state(account) == before


def test_an_account_without_an_owner_is_not_made(factory: Factory) -> None:
    """Nor one with a flag that means nothing."""
    ownerless = clone.deploy_calldata(bytes(20), bytes(32))
    assert factory.world.refusal(factory.address, ownerless) == pb.Refusal("OwnerRefused")
    data = bytearray(clone.deploy_calldata(address_of_key(fresh_secret()), bytes(32)))
    data[4 + 63] = 2
    assert factory.world.refusal(factory.address, bytes(data)) == pb.Refusal("Malformed")


def test_native_value_is_received_before_and_after_the_account_is_made(factory: Factory) -> None:
    """The address is a good one from the start."""
    account = Clone.planned(factory)
    world = account.world
    assert world.send(account.address, value_wei=3).succeeded
    assert account.deploy().succeeded
    assert world.send(account.address, value_wei=4).succeeded
    assert world.wei_of(account.address) == 7


def test_the_first_act_comes_with_the_deployment(factory: Factory) -> None:
    """One transaction of a stranger makes the account, opens the session and runs it."""
    account = Clone.planned(factory)
    world = account.world
    world.mint(account.address, 10 * USDC)
    session = Session.opened(account)
    run = session.run(transfer(2), first=True)
    before = world.balance_of(RECIPIENT)
    assert account.deploy(run).succeeded
    assert world.balance_of(RECIPIENT) == before + 2
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1)
    assert account.deploy(session.run(transfer(3), nonce=1)).succeeded
    assert world.balance_of(RECIPIENT) == before + 5


def test_value_sent_along_goes_to_the_account_and_not_to_the_act(factory: Factory) -> None:
    """Before the account is there and afterwards; nothing stays in the factory."""
    account = Clone.planned(factory)
    session = Session.opened(account)
    register = pb.register_calldata(session.packed, session.owner_signature())
    assert account.deploy(register, value_wei=5).succeeded
    assert account.deploy(register, value_wei=6).succeeded
    assert account.deploy(value_wei=7).succeeded
    assert account.world.wei_of(account.address) == 18
    assert account.world.wei_of(factory.address) == 0


def test_an_act_that_fails_undoes_the_deployment_and_says_why(factory: Factory) -> None:
    """All or nothing, the funds included."""
    account = Clone.planned(factory)
    session = Session.opened(account)
    run = account.deploy_data(session.run(transfer(1)))
    assert account.world.refusal(factory.address, run) == pb.Refusal("NotGranted")
    assert not account.deploy(session.run(transfer(1)), value_wei=5).succeeded
    assert account.world.code_of(account.address) == b""
    assert account.world.wei_of(account.address) == 0


def test_an_act_through_the_factory_is_nobodys(factory: Factory) -> None:
    """The account sees the factory as the sender, and the factory owns nothing."""
    account = Clone.deployed(factory)
    session = Session.opened(account)
    session.register()
    for act in (
        pb.revoke_calldata(session.id),
        pb.raise_epoch_calldata(),
        clone.transfer_ownership_calldata(address_of_key(fresh_secret())),
    ):
        data = account.deploy_data(act)
        found = account.world.refusal(factory.address, data, sender=account.key.address)
        assert found == pb.Refusal("OnlyAccount")


def test_the_code_at_its_own_address_belongs_to_nobody(factory: Factory) -> None:
    """No session, no act of an owner, not even from the zero address's signature."""
    world = factory.world
    code = factory.implementation
    assert world.call(code, clone.owner_calldata()) == bytes(32)
    nobody = Clone.planned(factory)
    nobody.fixed = code
    session = Session.opened(nobody)
    for signature in (session.owner_signature(), bytes(65), bytes(64) + b"\x1b"):
        register = pb.register_calldata(session.packed, signature)
        assert world.refusal(code, register) == pb.Refusal("NotGranted")
    run = session.run(transfer(1), first=True)
    assert world.refusal(code, run) == pb.Refusal("NotGranted")
    for act in (pb.raise_epoch_calldata(), clone.transfer_ownership_calldata(nobody.key.address)):
        assert world.refusal(code, act) == pb.Refusal("OnlyAccount")
        assert world.refusal(code, act, sender=factory.address) == pb.Refusal("OnlyAccount")
    assert world.storage(code, pb.OWNER_SLOT) == bytes(32)


def test_sessions_on_a_clone_are_counted_and_limited_as_on_any_account(factory: Factory) -> None:
    """First use, counters, caps, refusals, revocation."""
    account = Clone.deployed(factory)
    rule = token_rule(account.world, meters=[pb.Meter(1, 0), pb.Meter(1, 1)])
    session = Session.opened(account, rule, caps=(pb.Cap(10), pb.Cap(10)))
    assert session.submit(session.run(transfer(6), first=True)).succeeded
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1, spent=6)
    assert session.cap_state(1) == pb.CapState(0, 6)
    over = session.run(transfer(5), nonce=1)
    assert session.refusal(over) == pb.Refusal("CapExceeded", (0, 0))
    assert account.send_self(pb.revoke_calldata(session.id)).succeeded
    assert session.refusal(session.run(transfer(1), nonce=1)) == pb.Refusal("GrantRevoked")


def test_a_clone_is_never_the_target_of_its_own_session(factory: Factory) -> None:
    """Also when the grant is the owner's own mistake."""
    account = Clone.deployed(factory)
    assert account.world.wei_of(account.address) == ETHER
    rule = pb.Rule(pb.RuleKind.CALL, account.address, pb.raise_epoch_calldata())
    session = Session.opened(account, rule)
    data = session.run(pb.RunCall(0), first=True)
    assert session.refusal(data) == pb.Refusal("TargetForbidden", (0,))
