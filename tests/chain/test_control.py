"""Registering, revoking, freezing and the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import fresh_secret, transfer
from valetkey.devchain import CHAIN_ID
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from valetkey.spec.eip712 import TypedData


def topic(event: str, session: Session) -> tuple[bytes, bytes]:
    """Return the topics of *event* about the session's grant."""
    return keccak256(f"{event}(bytes32)".encode()), session.id


def revoke_note(session: Session) -> TypedData:
    """Return what is signed to revoke the session."""
    return pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=session.account)


def freeze_note(session: Session, sequence: int) -> bytes:
    """Return the owner's freeze at *sequence*, ready to submit."""
    typed = pb.freeze_typed_data(session.id, sequence, chain_id=CHAIN_ID, account=session.account)
    return pb.freeze_signed_calldata(session.id, session.owner.sign(typed))


def unfreeze_note(session: Session, sequence: int) -> bytes:
    """Return the owner's unfreeze at *sequence*, ready to submit."""
    typed = pb.unfreeze_typed_data(session.id, sequence, chain_id=CHAIN_ID, account=session.account)
    return pb.unfreeze_signed_calldata(session.id, session.owner.sign(typed))


def frozen_state(session: Session) -> pb.FreezeState:
    """Return the freeze slot, which the view and the storage agree on."""
    word = session.world.storage(session.account, pb.freeze_slot(session.id))
    assert word == session.world.call(session.account, pb.freeze_of_calldata(session.id))
    return pb.decode_freeze_state(word)


def test_registering_opens_the_grant_without_using_it(owner: Owner) -> None:
    """Afterwards a run needs no owner signature; registering again changes nothing."""
    session = Session.opened(owner)
    assert topic("Granted", session) in session.register().topics
    assert session.state == pb.SlotState(pb.Status.OPEN)
    assert session.register().topics == ()
    assert session.submit(session.run(transfer(1))).succeeded


def test_a_grant_is_registered_before_it_starts_but_not_after_it_ends(owner: Owner) -> None:
    """There is nothing to enable once it has expired."""
    now = owner.world.now()
    Session.opened(owner, starts_at=now + 500).register()
    ended = Session.opened(owner, expires_at=now + 100)
    owner.world.mine_at(now + 99)
    data = pb.register_calldata(ended.packed, ended.owner_signature())
    assert ended.refusal(data) is None
    owner.world.mine_at(now + 100)
    assert ended.refusal(data) == pb.Refusal("GrantExpired")


def test_only_the_owner_grants(owner: Owner) -> None:
    """A grant of anyone else, for another account, chain or epoch, or of nobody, is none."""
    session = Session.opened(owner)
    stranger = Owner(owner.world)
    typed = {
        "other owner": stranger.sign(
            pb.grant_typed_data(session.grant, epoch=0, chain_id=CHAIN_ID, account=owner.address)
        ),
        "other account": owner.sign(
            pb.grant_typed_data(session.grant, epoch=0, chain_id=CHAIN_ID, account=stranger.address)
        ),
        "other chain": owner.sign(
            pb.grant_typed_data(session.grant, epoch=0, chain_id=1, account=owner.address)
        ),
        "other epoch": session.owner_signature(epoch=1),
        "session key": sign_digest(
            digest(
                pb.grant_typed_data(
                    session.grant, epoch=0, chain_id=CHAIN_ID, account=owner.address
                )
            ),
            session.secret,
        ),
        "zeros": bytes(65),
    }
    calls = pb.encode_calls(session.grant, [transfer(1)])
    until = owner.world.now() + 500
    where: Any = {"nonce": 0, "deadline": until, "chain_id": CHAIN_ID, "account": owner.address}
    run = sign_digest(pb.run_digest(session.id, calls, **where), session.secret)
    for signature in typed.values():
        register = pb.register_calldata(session.packed, signature)
        assert session.refusal(register) == pb.Refusal("NotGranted")
        first = pb.run_calldata(
            session.packed, calls, run, nonce=0, deadline=until, owner_signature=signature
        )
        assert session.refusal(first) == pb.Refusal("NotGranted")
    assert session.refusal(session.run(transfer(1))) == pb.Refusal("NotGranted")


def test_the_personal_form_is_not_taken_from_the_owner(owner: Owner) -> None:
    """A text that a wallet shows as bytes never grants or revokes on such an account."""
    session = Session.opened(owner)
    typed = pb.grant_typed_data(session.grant, epoch=0, chain_id=CHAIN_ID, account=owner.address)
    personal = sign_digest(pb.personal_digest(digest(typed)), owner.secret)
    personal = personal[:64] + bytes((personal[64] + 4,))
    register = pb.register_calldata(session.packed, personal)
    assert session.refusal(register) == pb.Refusal("NotGranted")
    note = sign_digest(pb.personal_digest(digest(revoke_note(session))), owner.secret)
    note = note[:64] + bytes((note[64] + 4,))
    revoke = pb.revoke_signed_calldata(session.id, note)
    assert session.refusal(revoke) == pb.Refusal("SignatureRefused")


def test_the_kill_note_ends_a_session_whoever_submits_it(owner: Owner) -> None:
    """The counters stay readable, a second submission is no error, and nothing opens it again."""
    session = Session.opened(owner)
    note = pb.revoke_signed_calldata(session.id, owner.sign(revoke_note(session)))
    assert session.submit(session.run(transfer(1), first=True)).succeeded
    assert topic("Revoked", session) in session.submit(note).topics
    assert session.state == pb.SlotState(pb.Status.REVOKED, calls_used=1, nonce_base=1)
    again = session.submit(note)
    assert (again.succeeded, again.topics) == (True, ())
    for data in (
        session.run(transfer(1), nonce=1, first=True),
        pb.register_calldata(session.packed, session.owner_signature()),
        freeze_note(session, 0),
        unfreeze_note(session, 0),
    ):
        assert session.refusal(data) == pb.Refusal("GrantRevoked")


def test_the_kill_note_ends_a_session_that_was_never_used(owner: Owner) -> None:
    """A tombstone is laid for an id that the chain has not seen."""
    session = Session.opened(owner)
    note = pb.revoke_signed_calldata(session.id, owner.sign(revoke_note(session)))
    assert topic("Revoked", session) in session.submit(note).topics
    first = session.run(transfer(1), first=True)
    assert session.refusal(first) == pb.Refusal("GrantRevoked")


def test_the_session_key_ends_its_own_session_and_no_other(owner: Owner) -> None:
    """The grant's bytes say which key it is; freezing is not the key's."""
    session, other = Session.opened(owner), Session.opened(owner)
    session.register()
    by_key = sign_digest(digest(revoke_note(session)), session.secret)
    wrong = pb.revoke_by_key_calldata(session.packed, owner.sign(revoke_note(session)))
    assert session.refusal(wrong) == pb.Refusal("SignatureRefused")
    foreign = sign_digest(digest(revoke_note(other)), session.secret)
    wrong = pb.revoke_by_key_calldata(other.packed, foreign)
    assert session.refusal(wrong) == pb.Refusal("SignatureRefused")
    wrong = pb.revoke_signed_calldata(session.id, by_key)
    assert session.refusal(wrong) == pb.Refusal("SignatureRefused")
    cut = pb.revoke_by_key_calldata(session.packed[:-1], by_key)
    assert session.refusal(cut) == pb.Refusal("Malformed")
    assert session.submit(pb.revoke_by_key_calldata(session.packed, by_key)).succeeded
    assert session.state.status is pb.Status.REVOKED


def test_the_account_itself_controls_without_a_signature_and_nobody_else(owner: Owner) -> None:
    """Each of these is one plain transaction of the owner."""
    session = Session.opened(owner)
    session.register()
    for data in (
        pb.freeze_calldata(session.id),
        pb.unfreeze_calldata(session.id),
        pb.revoke_calldata(session.id),
        pb.raise_epoch_calldata(),
    ):
        assert session.refusal(data) == pb.Refusal("OnlyAccount")
        assert owner.send_self(data).succeeded
    assert session.state.status is pb.Status.REVOKED


def test_freezing_refuses_every_use_until_it_is_taken_back(owner: Owner) -> None:
    """The counters are what they were; a frozen grant cannot be opened by a first use."""
    session = Session.opened(owner)
    assert session.submit(session.run(transfer(1), first=True)).succeeded
    assert topic("Frozen", session) in session.submit(freeze_note(session, 0)).topics
    assert frozen_state(session) == pb.FreezeState(1, was_open=True)
    assert session.refusal(session.run(transfer(1), nonce=1)) == pb.Refusal("GrantFrozen")
    first = session.run(transfer(1), nonce=1, first=True)
    assert session.refusal(first) == pb.Refusal("GrantFrozen")
    assert session.refusal(freeze_note(session, 1)) == pb.Refusal("GrantFrozen")
    assert topic("Unfrozen", session) in session.submit(unfreeze_note(session, 1)).topics
    assert frozen_state(session) == pb.FreezeState(2)
    assert session.refusal(unfreeze_note(session, 2)) == pb.Refusal("GrantNotFrozen")
    assert session.submit(session.run(transfer(1), nonce=1)).succeeded


def test_unfreezing_a_grant_that_was_never_enabled_does_not_open_it(owner: Owner) -> None:
    """State none again: a freeze is no way round the owner's grant."""
    session = Session.opened(owner)
    assert session.submit(freeze_note(session, 0)).succeeded
    first = session.run(transfer(1), first=True)
    assert session.refusal(first) == pb.Refusal("GrantFrozen")
    assert frozen_state(session) == pb.FreezeState(1)
    assert session.submit(unfreeze_note(session, 1)).succeeded
    assert session.state == pb.SlotState()
    assert session.refusal(session.run(transfer(1))) == pb.Refusal("NotGranted")
    assert session.submit(first).succeeded


def test_a_freeze_and_an_unfreeze_are_accepted_once(owner: Owner) -> None:
    """The sequence makes an old one worthless, also after the account itself froze."""
    session = Session.opened(owner)
    session.register()
    freeze, unfreeze = freeze_note(session, 0), unfreeze_note(session, 1)
    refused = pb.Refusal("SignatureRefused")
    assert session.refusal(unfreeze) == refused
    assert session.submit(freeze).succeeded
    assert session.refusal(freeze) == refused
    assert session.submit(unfreeze).succeeded
    assert session.refusal(freeze) == refused
    assert owner.send_self(pb.freeze_calldata(session.id)).succeeded
    assert session.refusal(unfreeze) == refused
    assert session.submit(unfreeze_note(session, 3)).succeeded
    assert frozen_state(session) == pb.FreezeState(4)


def test_a_frozen_session_can_be_revoked(owner: Owner) -> None:
    """Freezing never stands in the way of ending."""
    session = Session.opened(owner)
    session.register()
    assert session.submit(freeze_note(session, 0)).succeeded
    note = pb.revoke_signed_calldata(session.id, owner.sign(revoke_note(session)))
    assert session.submit(note).succeeded
    assert session.state.status is pb.Status.REVOKED


def test_raising_the_epoch_voids_what_is_signed_but_not_enabled(owner: Owner) -> None:
    """An open grant goes on; a signature over the epoch before is refused from then on."""
    enabled, waiting = Session.opened(owner), Session.opened(owner)
    enabled.register()
    first = waiting.run(transfer(1), first=True)
    assert waiting.refusal(first) is None
    assert owner.send_self(pb.raise_epoch_calldata()).succeeded
    assert owner.epoch() == 1
    word = owner.world.storage(owner.address, pb.EPOCH_SLOT)
    assert int.from_bytes(word, "big") == 1
    assert waiting.refusal(first) == pb.Refusal("NotGranted")
    register = pb.register_calldata(waiting.packed, waiting.owner_signature(epoch=1))
    assert waiting.refusal(register) is None
    assert enabled.submit(enabled.run(transfer(1))).succeeded


def test_the_views_show_the_slots(owner: Owner) -> None:
    """State and caps read the same through the contract and from storage."""
    rule = token_rule(owner.world, meters=[pb.Meter(1, 0), pb.Meter(1, 1)])
    session = Session.opened(owner, rule, caps=(pb.Cap(9), pb.Cap(9, 60)))
    assert session.submit(session.run(transfer(4), first=True)).succeeded
    word = owner.world.call(owner.address, pb.state_of_calldata(session.id))
    assert pb.decode_slot_state(word) == session.state
    word = owner.world.call(owner.address, pb.cap_of_calldata(session.id, 1))
    assert pb.decode_cap_state(word) == session.cap_state(1) == pb.CapState(0, 4)
    for index in (0, 8, 255):
        data = pb.cap_of_calldata(session.id, index)
        assert session.refusal(data) == pb.Refusal("Malformed")


@pytest.mark.parametrize("length", [0, 64, 66])
def test_a_signature_of_another_length_is_refused(owner: Owner, length: int) -> None:
    """Neither cut nor padded, though the calldata is otherwise well formed."""
    session = Session.opened(owner)
    signature = (owner.sign(revoke_note(session)) + b"\0")[:length]
    good = pb.revoke_signed_calldata(session.id, bytes(65))
    tail = length.to_bytes(32, "big") + signature + bytes(-length % 32)
    data = good[: 4 + 64] + tail
    assert session.refusal(data) == pb.Refusal("SignatureRefused")
    good = pb.register_calldata(session.packed, bytes(65))
    granted = (session.owner_signature() + b"\0")[:length]
    data = good[: -32 - 96] + length.to_bytes(32, "big") + granted + bytes(-length % 32)
    assert session.refusal(data) == pb.Refusal("NotGranted")


def test_the_plain_code_contract_grants_nothing(owner: Owner) -> None:
    """Called at its own address the code has no owner: no key signs as a contract."""
    session = Session.opened(Owner(owner.world, fresh_secret()))
    data = pb.register_calldata(session.packed, session.owner_signature())
    assert owner.world.refusal(owner.world.code, data) == pb.Refusal("NotGranted")
