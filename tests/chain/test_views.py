"""What is left of a grant, in one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chain.clones import Clone, Factory
from tests.chain.session import Owner, Session, capped, token_rule
from tests.chain.world import transfer
from valetkey.spec import permission_bytes as pb
from valetkey.spec.session_view import (
    CapLeft,
    SessionView,
    decode_session_view,
    session_of_calldata,
)

if TYPE_CHECKING:
    from tests.chain.world import World


def view(session: Session) -> SessionView:
    """Ask the account about the session."""
    asked = session_of_calldata(session.packed)
    return decode_session_view(session.world.call(session.account, asked))


def test_a_grant_that_was_never_used_has_everything_left(account: Owner) -> None:
    """But is not open: nobody has shown the owner's signature yet."""
    session = capped(account, pb.Cap(9), max_calls=5)
    assert view(session) == SessionView(pb.Status.NONE, False, 5, (CapLeft(9),))  # noqa: FBT003
    session.register()
    assert view(session) == SessionView(pb.Status.OPEN, True, 5, (CapLeft(9),))  # noqa: FBT003


def test_what_is_used_is_not_left(account: Owner) -> None:
    """Calls, and every cap by itself; a cap that nothing is booked to stays whole."""
    rule = token_rule(account.world, meters=[pb.Meter(1, 0), pb.Meter(1, 2)])
    caps = (pb.Cap(9), pb.Cap(9), pb.Cap(20))
    session = Session.opened(account, rule, caps=caps, max_calls=5)
    assert session.submit(session.run(transfer(4), transfer(5), first=True)).succeeded
    expected = (CapLeft(0), CapLeft(9), CapLeft(11))
    assert view(session) == SessionView(pb.Status.OPEN, True, 3, expected)  # noqa: FBT003


def test_a_session_is_open_from_its_first_second_until_its_last(account: Owner) -> None:
    """Whatever its status says."""
    world, now = account.world, account.world.now()
    session = Session.opened(account, starts_at=now + 100, expires_at=now + 200)
    session.register()
    for at, is_open in ((99, False), (100, True), (199, True), (200, False)):
        world.mine_at(now + at)
        assert view(session).is_open is is_open
        assert view(session).status is pb.Status.OPEN


def test_a_window_that_has_passed_is_not_counted_any_more(account: Owner) -> None:
    """Both in the state slot and in a slot of a further cap; a life is one window without end."""
    world, now = account.world, account.world.now()
    caps = (pb.Cap(10, 100), pb.Cap(10, 1_000), pb.Cap(10))
    session = capped(account, *caps, starts_at=now + 50)
    session.register()
    assert view(session).caps[0] == CapLeft(10, now + 150 - world.now())
    world.next_at(now + 140)
    assert session.submit(session.run(transfer(7))).succeeded
    world.mine_at(now + 149)
    assert view(session).caps == (CapLeft(3, 1), CapLeft(3, 901), CapLeft(3))
    world.mine_at(now + 150)
    assert view(session).caps == (CapLeft(10, 100), CapLeft(3, 900), CapLeft(3))
    world.mine_at(now + 1_050)
    assert view(session).caps == (CapLeft(10, 100), CapLeft(10, 1_000), CapLeft(3))


def test_a_frozen_and_a_revoked_session_are_not_open(account: Owner) -> None:
    """What was left is still said."""
    session = capped(account, pb.Cap(9))
    assert session.submit(session.run(transfer(4), first=True)).succeeded
    for data, status in (
        (pb.freeze_calldata(session.id), pb.Status.FROZEN),
        (pb.unfreeze_calldata(session.id), pb.Status.OPEN),
        (pb.revoke_calldata(session.id), pb.Status.REVOKED),
    ):
        assert account.send_self(data).succeeded
        found = view(session)
        assert (found.status, found.is_open) == (status, status is pb.Status.OPEN)
        assert found.caps == (CapLeft(5),)


def test_a_session_that_ended_with_its_epoch_is_none(world: World) -> None:
    """On a clone; on an account by delegation an open one goes on."""
    account = Clone.deployed(Factory.on(world))
    session = capped(account, pb.Cap(9))
    assert session.submit(session.run(transfer(4), first=True)).succeeded
    assert account.send_self(pb.raise_epoch_calldata()).succeeded
    found = view(session)
    assert (found.status, found.is_open) == (pb.Status.NONE, False)
    owner = Owner.delegated(world)
    session = capped(owner, pb.Cap(9))
    session.register()
    assert owner.send_self(pb.raise_epoch_calldata()).succeeded
    assert view(session).is_open


def test_what_is_not_a_grant_is_malformed(account: Owner) -> None:
    """There is nothing to say about bytes that follow no format."""
    session = Session.opened(account)
    for packed in (b"", session.packed[:-1], session.packed + b"\0"):
        found = account.world.refusal(account.address, session_of_calldata(packed))
        assert found == pb.Refusal("Malformed")
