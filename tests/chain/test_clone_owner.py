"""The owner of a clone: how the account is handed on, and what ends with that."""

from __future__ import annotations

import pytest

from tests.chain.clones import Clone, Factory
from tests.chain.session import Owner, Session, capped
from tests.chain.world import World, fresh_secret, transfer, words
from valetkey.devchain import CHAIN_ID
from valetkey.spec import clone
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key, sign_digest

NOT_GRANTED = pb.Refusal("NotGranted")
REFUSED = pb.Refusal("SignatureRefused")


@pytest.fixture
def account(factory: Factory) -> Clone:
    """Return a new clone with an owner of its own."""
    return Clone.deployed(factory)


def handed_on(account: Clone) -> Clone:
    """Return the account after its owner has handed it to another."""
    secret = fresh_secret()
    data = clone.transfer_ownership_calldata(address_of_key(secret))
    assert account.send_self(data).succeeded
    return account.owned_by(secret)


def test_no_session_survives_a_change_of_owner(account: Clone) -> None:
    """Open ones end at once, those signed and never used are void; the new owner's grants count."""
    used, waiting = Session.opened(account), Session.opened(account)
    assert used.submit(used.run(transfer(1), first=True)).succeeded
    after = handed_on(account)
    assert after.epoch() == 1
    for data in (used.run(transfer(1), nonce=1), used.run(transfer(1), nonce=1, first=True)):
        assert used.refusal(data) == NOT_GRANTED
    assert waiting.refusal(waiting.run(transfer(1), first=True)) == NOT_GRANTED
    new = Session.opened(after)
    signature = new.owner_signature(epoch=1)
    assert after.world.send(after.address, pb.register_calldata(new.packed, signature)).succeeded
    assert new.refusal(new.run(transfer(1))) is None


def test_the_owner_before_can_do_nothing_more(account: Clone) -> None:
    """Neither by a transaction nor by a signature, over whichever epoch."""
    after = handed_on(account)
    session = Session.opened(after)
    stale = Session(account, session.grant, session.secret)
    for epoch in (0, 1):
        register = pb.register_calldata(session.packed, stale.owner_signature(epoch=epoch))
        assert session.refusal(register) == NOT_GRANTED
        note = account.transfer_note(account.key.address, epoch=epoch)
        assert session.refusal(note) == REFUSED
    for data in (
        pb.raise_epoch_calldata(),
        pb.revoke_calldata(session.id),
        clone.transfer_ownership_calldata(account.key.address),
    ):
        found = account.world.refusal(after.address, data, sender=account.key.address)
        assert found == pb.Refusal("OnlyAccount")


def test_a_signed_change_of_owner_is_accepted_once(account: Clone) -> None:
    """Even when the account comes back to the owner who signed it: the epoch has moved on."""
    world, secret = account.world, fresh_secret()
    note = account.transfer_note(address_of_key(secret))
    receipt = world.send(account.address, note)
    event = keccak256(b"OwnershipTransferred(address,address)")
    topics = (event, words(account.key.address), words(address_of_key(secret)))
    assert topics in receipt.topics
    assert (keccak256(b"EpochRaised(uint64)"), words(1)) in receipt.topics
    assert world.refusal(account.address, note) == REFUSED
    other = account.owned_by(secret)
    back = clone.transfer_ownership_calldata(account.key.address)
    assert other.send_self(back).succeeded
    assert world.refusal(account.address, note) == REFUSED
    assert account.epoch() == 2
    assert world.refusal(account.address, account.transfer_note(other.key.address, epoch=2)) is None


def test_a_change_of_owner_is_signed_by_the_owner_over_this_account(
    account: Clone, factory: Factory
) -> None:
    """Not by a stranger, a session key or the new owner; not for a twin of the same owner."""
    twin = Clone.deployed(factory, secret=account.secret, salt=9)
    stranger = account.owned_by(fresh_secret())
    session = Session.opened(account)
    session.register()
    holder = account.owned_by(session.secret)
    for signer in (stranger, holder, twin):
        note = signer.transfer_note(stranger.key.address)
        assert account.world.refusal(account.address, note) == REFUSED


def test_nobody_owns_an_account_that_nobody_can_sign_for(account: Clone) -> None:
    """The zero address and the account itself are refused as owners."""
    for lost in (bytes(20), account.address):
        data = clone.transfer_ownership_calldata(lost)
        found = account.world.refusal(account.address, data, sender=account.key.address)
        assert found == pb.Refusal("OwnerRefused")
        assert account.world.refusal(account.address, account.transfer_note(lost)) == pb.Refusal(
            "OwnerRefused"
        )


def test_raising_the_epoch_ends_every_session_and_keeps_the_owner(account: Clone) -> None:
    """Counters of the ended ones stay where they were; the same grant begins anew if signed so."""
    session = capped(account, pb.Cap(10), pb.Cap(10))
    assert session.submit(session.run(transfer(10), first=True)).succeeded
    receipt = account.send_self(pb.raise_epoch_calldata())
    assert (keccak256(b"EpochRaised(uint64)"), words(1)) in receipt.topics
    assert session.refusal(session.run(transfer(0), nonce=1)) == NOT_GRANTED
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1, spent=10)
    data = pb.register_calldata(session.packed, session.owner_signature(epoch=1))
    assert account.world.send(account.address, data).succeeded
    assert session.submit(session.run(transfer(4))).succeeded
    where = pb.state_slot(session.id, epoch=1)
    state = pb.decode_slot_state(account.world.storage(account.address, where))
    assert state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1, spent=4)
    where = pb.cap_slot(session.id, 1, epoch=1)
    assert pb.decode_cap_state(account.world.storage(account.address, where)).spent == 4


def test_an_unfreezing_from_an_epoch_before_does_not_count_in_the_next(account: Clone) -> None:
    """The freeze sequence goes on, so an old signature opens nothing that was frozen later."""
    world, session = account.world, Session.opened(account)
    session.register()

    def note(kind: str, sequence: int) -> bytes:
        typed = {"freeze": pb.freeze_typed_data, "unfreeze": pb.unfreeze_typed_data}[kind]
        seal = {"freeze": pb.freeze_signed_calldata, "unfreeze": pb.unfreeze_signed_calldata}[kind]
        asked = typed(session.id, sequence, chain_id=CHAIN_ID, account=account.address)
        return seal(session.id, account.sign(asked))

    old = [note("freeze", 0), note("unfreeze", 1)]
    for data in old:
        assert world.send(account.address, data).succeeded
    assert account.send_self(pb.raise_epoch_calldata()).succeeded
    data = pb.register_calldata(session.packed, session.owner_signature(epoch=1))
    assert world.send(account.address, data).succeeded
    assert account.send_self(pb.freeze_calldata(session.id)).succeeded
    for data in old:
        assert world.refusal(account.address, data) == REFUSED
    assert session.refusal(session.run(transfer(1))) == pb.Refusal("GrantFrozen")
    assert world.send(account.address, note("unfreeze", 3)).succeeded
    assert session.refusal(session.run(transfer(1))) is None


def test_a_grant_of_one_clone_opens_nothing_on_another(account: Clone, factory: Factory) -> None:
    """Though both have one owner, who signed the same words: the account is part of them."""
    twin = Clone.deployed(factory, secret=account.secret, salt=3)
    session = Session.opened(account)
    elsewhere = Session(twin, session.grant, session.secret)
    register = pb.register_calldata(session.packed, session.owner_signature())
    assert elsewhere.refusal(register) == NOT_GRANTED
    assert session.refusal(register) is None
    data = elsewhere.run(transfer(1), first=True)
    stolen = data[:-65] + session.owner_signature()
    assert elsewhere.refusal(stolen) == NOT_GRANTED
    session.register()
    elsewhere.register()
    assert elsewhere.refusal(session.run(transfer(1))) == REFUSED


def test_a_grant_of_the_owners_own_account_opens_nothing_on_the_clone(world: World) -> None:
    """A key that is an account by delegation too signs for each of them apart."""
    owner = Owner.delegated(world)
    account = Clone.deployed(Factory.on(world), secret=owner.secret)
    session = Session.opened(owner)
    on_clone = Session(account, session.grant, session.secret)
    register = pb.register_calldata(session.packed, session.owner_signature())
    assert session.refusal(register) is None
    assert on_clone.refusal(register) == NOT_GRANTED


def test_a_personal_owner_grants_revokes_and_freezes_by_personal_sign(factory: Factory) -> None:
    """On an account that was made so, and there typed signatures count as well."""
    account = Clone.deployed(factory, personal=True)
    session = Session.opened(account)
    assert session.submit(session.run(transfer(1), first=True)).succeeded
    typed = pb.freeze_typed_data(session.id, 0, chain_id=CHAIN_ID, account=account.address)
    assert session.submit(pb.freeze_signed_calldata(session.id, account.sign(typed))).succeeded
    typed = pb.unfreeze_typed_data(session.id, 1, chain_id=CHAIN_ID, account=account.address)
    assert session.submit(pb.unfreeze_signed_calldata(session.id, account.sign(typed))).succeeded
    typed = pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=account.address)
    assert session.submit(pb.revoke_signed_calldata(session.id, account.sign(typed))).succeeded
    assert session.state.status is pb.Status.REVOKED
    account.is_personal = False
    other = Session.opened(account)
    assert other.submit(other.run(transfer(1), first=True)).succeeded


def test_the_flag_stays_when_the_account_is_handed_on(factory: Factory) -> None:
    """The next owner may sign by personal_sign too."""
    account = Clone.deployed(factory, personal=True)
    note = account.transfer_note(account.key.address)
    assert account.world.send(account.address, note).succeeded
    session = Session.opened(account)
    register = pb.register_calldata(session.packed, session.owner_signature(epoch=1))
    assert session.refusal(register) is None


def test_personal_sign_grants_nothing_on_an_account_without_the_flag(account: Clone) -> None:
    """Nor does it revoke, freeze or hand on: a wallet shows it as bytes that say nothing."""
    session = Session.opened(account)
    account.is_personal = True
    register = pb.register_calldata(session.packed, session.owner_signature())
    assert session.refusal(register) == NOT_GRANTED
    assert session.refusal(session.run(transfer(1), first=True)) == NOT_GRANTED
    typed = pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=account.address)
    assert session.refusal(pb.revoke_signed_calldata(session.id, account.sign(typed))) == REFUSED
    typed = pb.freeze_typed_data(session.id, 0, chain_id=CHAIN_ID, account=account.address)
    assert session.refusal(pb.freeze_signed_calldata(session.id, account.sign(typed))) == REFUSED
    assert session.refusal(account.transfer_note(account.key.address)) == REFUSED


@pytest.mark.parametrize("v", [0, 1, 26, 29, 30, 33, 255])
def test_another_v_of_a_personal_owner_is_refused(factory: Factory, v: int) -> None:
    """The flag adds 31 and 32, and nothing else."""
    account = Clone.deployed(factory, personal=True)
    session = Session.opened(account)
    for personal in (False, True):
        account.is_personal = personal
        signature = session.owner_signature()[:64] + bytes((v,))
        register = pb.register_calldata(session.packed, signature)
        assert session.refusal(register) == NOT_GRANTED


def test_a_session_key_is_not_the_owner_of_its_account(account: Clone) -> None:
    """It grants nothing, and changes nothing, whichever form it signs in."""
    session = Session.opened(account)
    session.register()
    held = account.owned_by(session.secret)
    wider = Session.opened(held, max_calls=5)
    register = pb.register_calldata(wider.packed, wider.owner_signature())
    assert session.refusal(register) == NOT_GRANTED
    typed = pb.freeze_typed_data(session.id, 0, chain_id=CHAIN_ID, account=account.address)
    note = sign_digest(digest(typed), session.secret)
    assert session.refusal(pb.freeze_signed_calldata(session.id, note)) == REFUSED
