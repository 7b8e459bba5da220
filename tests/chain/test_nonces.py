"""Nonces: each once, in any order within the window."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.chain.session import Session
from tests.chain.world import transfer
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from tests.chain.session import Owner


def test_a_used_nonce_is_refused_whether_below_or_in_the_bitmap(owner: Owner) -> None:
    """A run is accepted once."""
    session = Session.opened(owner)
    first = session.run(transfer(1), first=True)
    ahead = session.run(transfer(1), nonce=30)
    assert session.submit(first).succeeded
    assert session.refusal(session.run(nonce=32)) == pb.Refusal("NonceTooFar")
    assert session.submit(ahead).succeeded
    assert session.state.nonce_bitmap == 1 << 28
    for replayed in (first, ahead):
        assert session.refusal(replayed) == pb.Refusal("NonceUsed")


@pytest.mark.parametrize("seed", range(3))
def test_nonces_in_any_order_within_the_window_are_used_once_each(owner: Owner, seed: int) -> None:
    """The base and the bitmap say exactly which nonces are used, after every run."""
    rng = random.Random(seed)  # noqa: S311 - an order, not a secret
    session = Session.opened(owner)
    session.register()
    used: set[int] = set()
    for _ in range(40):
        base = session.state.nonce_base
        nonce = rng.choice([base, base, rng.randint(base, base + 30), rng.randint(0, base + 33)])
        data = session.run(nonce=nonce)
        refusal = session.refusal(data)
        if nonce in used:
            assert refusal == pb.Refusal("NonceUsed")
        elif nonce > base + 30:
            assert refusal == pb.Refusal("NonceTooFar")
        else:
            assert refusal is None
            assert session.submit(data).succeeded
            used.add(nonce)
        state = session.state
        assert state.nonce_base == next(n for n in range(100) if n not in used)
        seen = {state.nonce_base + 1 + i for i in range(30) if state.nonce_bitmap >> i & 1}
        assert seen == {n for n in used if n > state.nonce_base}
        assert state.calls_used == len(used)
        assert state.is_nonce_usable(nonce) is (nonce not in used and nonce <= base + 30)
