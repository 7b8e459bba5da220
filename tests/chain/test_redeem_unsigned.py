"""Runs that the session key submits itself, and so need not sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chain.session import Session, token_rule
from tests.chain.world import RECIPIENT, fresh_secret, transfer
from valetkey.devchain import DevKey
from valetkey.spec import permission_bytes as pb
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from tests.chain.session import Owner

REFUSED = pb.Refusal("SignatureRefused")


def unsigned(session: Session, *calls: pb.RunCall, nonce: int = 0, first: bool = False) -> bytes:
    """Return a run with zeros where the session key's signature stands."""
    data = session.run(*calls, nonce=nonce, first=first)
    end = len(data) - 65 * first
    return data[: end - 65] + bytes(65) + data[end:]


def holder_of(session: Session) -> DevKey:
    """Return the session key as one that sends transactions, with some wei to pay for them."""
    key = DevKey(session.secret, address_of_key(session.secret))
    assert session.world.send(key.address, value_wei=10**17).succeeded
    return key


def test_who_submits_a_run_as_the_session_key_need_not_sign_it(owner: Owner) -> None:
    """The transaction says already who it is; everything else is checked and counted as ever."""
    world = owner.world
    rule = token_rule(world, meters=[pb.Meter(1, 0)])
    session = Session.opened(owner, rule, caps=(pb.Cap(10),))
    holder = holder_of(session)
    before = world.balance_of(RECIPIENT)
    first = unsigned(session, transfer(6), first=True)
    assert world.send(owner.address, first, by=holder).succeeded
    assert world.balance_of(RECIPIENT) == before + 6
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1, spent=6)
    for data, refusal in (
        (unsigned(session, transfer(1)), pb.Refusal("NonceUsed")),
        (unsigned(session, transfer(5), nonce=1), pb.Refusal("CapExceeded", (0, 0))),
    ):
        assert world.refusal(owner.address, data, sender=holder.address) == refusal


def test_nobody_else_submits_a_run_that_is_not_signed(owner: Owner) -> None:
    """Neither a relayer, nor the owner, nor the key of another session of the same account."""
    session, other = Session.opened(owner), Session.opened(owner)
    session.register()
    other.register()
    data = unsigned(session, transfer(1))
    stranger = address_of_key(fresh_secret())
    for sender in (stranger, owner.address, address_of_key(other.secret), bytes(20)):
        assert owner.world.refusal(owner.address, data, sender=sender) == REFUSED
    key = address_of_key(session.secret)
    assert owner.world.refusal(owner.address, data, sender=key) is None


def test_a_bound_relayer_binds_the_session_key_too(owner: Owner) -> None:
    """Who may submit is asked of everybody."""
    session = Session.opened(owner, relayer=owner.world.relayer.address)
    session.register()
    key = address_of_key(session.secret)
    data = unsigned(session, transfer(1))
    expected = pb.Refusal("RelayerNotAllowed")
    assert owner.world.refusal(owner.address, data, sender=key) == expected
    assert session.refusal(data) == REFUSED
