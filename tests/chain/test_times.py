"""Boundary seconds of grants, deadlines and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.session import DAY_S, Session, capped
from tests.chain.world import transfer
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from tests.chain.session import Owner


@pytest.mark.parametrize("field", ["starts_at", "expires_at", "deadline"])
@pytest.mark.parametrize("is_open", [False, True], ids=["first", "open"])
def test_the_boundary_second(owner: Owner, field: str, is_open: bool) -> None:  # noqa: FBT001
    """``starts_at`` is the first valid second, ``expires_at`` and deadline the first invalid."""
    world = owner.world
    edge = world.now() + 1_000
    deadline = edge if field == "deadline" else None
    fields = {} if field == "deadline" else {field: edge}
    session = Session.opened(owner, **fields)
    if is_open:
        session.register()
    data = session.run(transfer(1), first=not is_open, deadline=deadline)
    expected = {
        "starts_at": "GrantNotStarted",
        "expires_at": "GrantExpired",
        "deadline": "DeadlinePassed",
    }[field]
    world.mine_at(edge - 1)
    refused_before = session.refusal(data)
    world.mine_at(edge)
    refused_at = session.refusal(data)
    if field == "starts_at":
        assert (refused_before, refused_at) == (pb.Refusal(expected), None)
    else:
        assert (refused_before, refused_at) == (None, pb.Refusal(expected))


def test_a_window_begins_anew_at_its_boundary_second(owner: Owner) -> None:
    """Windows are counted from ``starts_at``; the last second of one is not the next one's."""
    world = owner.world
    start = world.now()
    session = capped(owner, pb.Cap(5, DAY_S), pb.Cap(8, 2 * DAY_S), starts_at=start)
    world.next_at(start + DAY_S - 1)
    assert session.submit(session.run(transfer(5), first=True)).succeeded
    assert session.refusal(session.run(transfer(1), nonce=1)) == pb.Refusal("CapExceeded", (0, 0))
    world.mine_at(start + DAY_S)
    assert session.refusal(session.run(transfer(4), nonce=1)) == pb.Refusal("CapExceeded", (0, 1))
    assert session.submit(session.run(transfer(3), nonce=1)).succeeded
    assert (session.state.window, session.state.spent) == (1, 3)
    assert session.cap_state(1) == pb.CapState(0, 8)
    world.next_at(start + 2 * DAY_S)
    assert session.submit(session.run(transfer(5), nonce=2)).succeeded
    assert (session.state.window, session.state.spent) == (2, 5)
    assert session.cap_state(1) == pb.CapState(1, 5)


def test_a_run_that_books_nothing_leaves_the_window_as_it_was(owner: Owner) -> None:
    """A window is written when something is booked to its cap."""
    start = owner.world.now()
    session = capped(owner, pb.Cap(5, DAY_S), starts_at=start)
    assert session.submit(session.run(transfer(5), first=True)).succeeded
    owner.world.next_at(start + 3 * DAY_S)
    assert session.submit(session.run(nonce=1)).succeeded
    assert (session.state.window, session.state.spent) == (0, 5)
