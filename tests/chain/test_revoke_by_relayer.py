"""Whoever alone may submit the runs of a grant may also end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from eth_abi.abi import encode

from tests.chain.clones import Clone, Factory
from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import RECIPIENT, selector, transfer
from valetkey.devchain import CHAIN_ID, dev_keys
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.secp256k1 import address_of_key, sign_digest

if TYPE_CHECKING:
    from valetkey.devchain import DevKey

REFUSED = pb.Refusal("SignatureRefused")
RELAYER = dev_keys()[3]


def note(session: Session, key: DevKey, *, grant: bytes | None = None) -> bytes:
    """Return the revocation of the session, or of another grant, signed by *key*."""
    typed = pb.revoke_typed_data(grant or session.id, chain_id=CHAIN_ID, account=session.account)
    return sign_digest(digest(typed), key.secret)


def bound(account: Owner, **fields: object) -> Session:
    """Return a session whose runs `RELAYER` alone may submit."""
    return Session.opened(account, relayer=RELAYER.address, **fields)


@pytest.mark.parametrize("is_enabled", [True, False], ids=["open", "never enabled"])
def test_the_bound_relayer_ends_a_grant(account: Owner, is_enabled: bool) -> None:  # noqa: FBT001
    """Anyone may submit it, twice too; what was granted before is not granted any more."""
    session = bound(account)
    if is_enabled:
        session.register()
    data = pb.revoke_by_key_calldata(session.packed, note(session, RELAYER))
    for _ in range(2):
        assert session.submit(data).succeeded
        assert session.state.status is pb.Status.REVOKED
    register = pb.register_calldata(session.packed, session.owner_signature())
    assert session.refusal(register) == pb.Refusal("GrantRevoked")
    run = session.run(transfer(1), first=True)
    refusal = account.world.refusal(account.address, run, sender=RELAYER.address)
    assert refusal == pb.Refusal("GrantRevoked")


def test_the_key_ends_a_bound_grant_as_before(account: Owner) -> None:
    """Now in the EIP-191 form too, as its runs."""
    for personal in (False, True):
        session = bound(account)
        typed = pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=account.address)
        signature = session.signature(digest(typed), personal=personal)
        data = pb.revoke_by_key_calldata(session.packed, signature)
        assert session.submit(data).succeeded
        assert session.state.status is pb.Status.REVOKED


def test_a_relayer_ends_no_other_grant(account: Owner) -> None:
    """Not one that binds nobody or another, nor one by the note of another; in one form only."""
    session, other, free = bound(account), bound(account), Session.opened(account)
    elsewhere = Session.opened(account, relayer=dev_keys()[4].address)
    plain = note(session, RELAYER)
    personal = sign_digest(
        pb.personal_digest(
            digest(pb.revoke_typed_data(session.id, chain_id=CHAIN_ID, account=account.address))
        ),
        RELAYER.secret,
    )
    for one, signature in (
        (free, note(free, RELAYER)),
        (elsewhere, note(elsewhere, RELAYER)),
        (other, plain),
        (session, plain[:64] + bytes((plain[64] + 4,))),
        (session, plain[:64] + b"\0"),
        (session, personal),
        (session, personal[:64] + bytes((personal[64] + 4,))),
        (session, bytes(65)),
        (free, bytes(65)),
        (session, sign_digest(b"\5" * 32, RELAYER.secret)),
    ):
        data = pb.revoke_by_key_calldata(one.packed, signature)
        assert one.refusal(data) == REFUSED
    for cut in (plain[:64], plain + b"\0", b""):
        data = selector("revokeByKey(bytes,bytes)") + encode(["bytes"] * 2, [session.packed, cut])
        assert session.refusal(data) == REFUSED
    assert session.refusal(pb.revoke_by_key_calldata(session.packed, plain)) is None


def test_a_relayer_put_into_anothers_grant_ends_only_what_nobody_granted(account: Owner) -> None:
    """Its bytes say another id: the owner's grant goes on."""
    session = Session.opened(account)
    session.register()
    forged = Session(account, pb.decode_grant(session.packed), session.secret)
    forged.grant = pb.decode_grant(pb.encode_grant(bound(account, salt=session.grant.salt).grant))
    data = pb.revoke_by_key_calldata(forged.packed, note(forged, RELAYER))
    assert session.submit(data).succeeded
    assert session.submit(session.run(transfer(1))).succeeded
    crossed = pb.revoke_by_key_calldata(forged.packed, note(session, RELAYER))
    assert session.refusal(crossed) == REFUSED


def test_the_relayer_ends_grants_of_every_form(account: Owner) -> None:
    """With rules in a tree, and under a P-256 key, whose revocation has another form."""
    send = pb.Rule(pb.RuleKind.SEND, RECIPIENT, None, (pb.Meter(pb.NATIVE_VALUE, 0),))
    rules = (token_rule(account.world), send)
    tree = Session.in_tree(account, *rules, caps=(pb.Cap(9),), relayer=RELAYER.address)
    for session in (tree, Session.with_p256(account, relayer=RELAYER.address)):
        data = pb.revoke_by_key_calldata(session.packed, note(session, RELAYER))
        stranger = pb.revoke_by_key_calldata(session.packed, note(session, dev_keys()[4]))
        assert session.refusal(stranger) == REFUSED
        assert session.submit(data).succeeded
        assert session.state.status is pb.Status.REVOKED


def test_a_relayer_signs_no_runs(account: Owner) -> None:
    """It may stop a session, not act for it."""
    session = bound(account)
    session.register()
    impostor = Session(account, session.grant, RELAYER.secret)
    run = impostor.run(transfer(1))
    assert address_of_key(RELAYER.secret) == RELAYER.address
    refusal = account.world.refusal(account.address, run, sender=RELAYER.address)
    assert refusal == REFUSED


def test_the_note_works_on_a_clone_that_is_not_there_yet(factory: Factory) -> None:
    """Through the factory, which makes it; the grant is refused from its first second on."""
    planned = Clone.planned(factory)
    session = bound(planned)
    assert planned.deploy(
        pb.revoke_by_key_calldata(session.packed, note(session, RELAYER))
    ).succeeded
    assert session.state.status is pb.Status.REVOKED
    register = pb.register_calldata(session.packed, session.owner_signature())
    assert session.refusal(register) == pb.Refusal("GrantRevoked")
