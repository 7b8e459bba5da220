"""Nonces of an account that are under way: none is given twice, and none is lost."""

from __future__ import annotations

import pytest

from valetkey.core.errors import Limited
from valetkey.core.send_line import HOLD_S, MAX_HELD, SendLine

NOW = 1_000
LINE = SendLine("eip155:1/0x11")


def test_two_at_once_have_two_nonces() -> None:
    """The next free one each; what is given back is taken first."""
    line, given = LINE, []
    for by in "abc":
        nonce = line.free(seen=5, now=NOW)
        line = line.hold(nonce, seen=5, now=NOW, by=by)
        given.append(nonce)
    assert given == [5, 6, 7]
    assert line.give_back("b").free(seen=5, now=NOW) == 6
    assert line.give_back("z") == line
    assert line.free(seen=5, now=NOW) == 8


def test_a_nonce_is_held_until_it_is_known_or_late() -> None:
    """The node has it: no longer held. Nobody sent it: free again, to the second."""
    line = LINE.hold(5, seen=5, now=NOW, by="a").hold(6, seen=5, now=NOW + 1, by="b")
    assert line.free(seen=6, now=NOW) == 7
    assert line.free(seen=9, now=NOW) == 9
    assert line.free(seen=5, now=NOW + HOLD_S - 1) == 7
    assert line.free(seen=5, now=NOW + HOLD_S) == 5
    assert line.hold(9, seen=9, now=NOW, by="c").held[0].nonce == 9


def test_only_so_many_are_held() -> None:
    """More are refused; what is over makes room."""
    line = LINE
    for nonce in range(MAX_HELD):
        line = line.hold(nonce, seen=0, now=NOW, by=str(nonce))
    with pytest.raises(Limited, match="64"):
        line.hold(MAX_HELD, seen=0, now=NOW, by="more")
    assert len(line.hold(MAX_HELD, seen=1, now=NOW, by="more").held) == MAX_HELD
