"""The queue of the calculus: nobody keeps others out of it, however much they ask."""

from __future__ import annotations

import asyncio

import pytest

from valetkey.core.errors import Limited
from valetkey.http.calculus.turns import Turns
from valetkey.http.peer import peer_of

EVE, ALICE, BOB = "198.51.100.1", "192.0.2.1", "192.0.2.2"


class Line:
    """
    A queue, and who had a turn in it.

    Args:
        had: Callers in the order of their turns.
    """

    def __init__(self, waiting: int) -> None:
        self.turns = Turns(waiting)
        self.had: list[str] = []
        self.go_on = asyncio.Event()

    async def take(self, caller: str) -> None:
        """Have a turn, until the line goes on."""
        async with self.turns.of(caller):
            self.had.append(caller)
            await self.go_on.wait()

    async def join(self, *callers: str) -> list[asyncio.Task[None]]:
        """Wait as each of *callers*, in this order."""
        tasks = [asyncio.create_task(self.take(caller)) for caller in callers]
        await asyncio.sleep(0)
        return tasks


async def test_who_asks_once_waits_for_one_answer_of_who_asks_and_asks() -> None:
    """The attack: the whole queue is full of one caller's questions."""
    line = Line(waiting=4)
    eves = await line.join(*[EVE] * 5)
    others = await line.join(ALICE, BOB)
    line.go_on.set()
    ended = await asyncio.gather(*eves, *others, return_exceptions=True)
    assert line.had == [EVE, EVE, ALICE, BOB, EVE]
    assert [type(one) for one in ended] == [type(None)] * 3 + [Limited] * 2 + [type(None)] * 2


async def test_when_all_wait_alike_no_more_get_in() -> None:
    """Nobody's question is put out for one of somebody who has as many there."""
    line = Line(waiting=2)
    waiting = await line.join(EVE, ALICE, BOB)
    for caller in (ALICE, EVE):
        with pytest.raises(Limited, match="too_many_questions: expected at most 2"):
            await line.take(caller)
    line.go_on.set()
    await asyncio.gather(*waiting)
    assert line.had == [EVE, ALICE, BOB]


async def test_a_caller_who_goes_away_holds_up_nobody() -> None:
    """While they wait, at their turn, and in the moment in which it becomes theirs."""
    line = Line(waiting=3)
    holding, left, next_one, last = await line.join(EVE, ALICE, BOB, EVE)
    left.cancel()
    await asyncio.sleep(0)
    holding.cancel()
    await asyncio.sleep(0)
    next_one.cancel()
    line.go_on.set()
    await last
    assert (holding.cancelled(), next_one.cancelled()) == (True, True)
    assert line.had == [EVE, EVE]
    await line.take(ALICE)
    assert line.had == [EVE, EVE, ALICE]


async def test_no_turn_at_all_is_one_at_a_time() -> None:
    """Where nobody may wait, whoever comes second is refused."""
    line = Line(waiting=0)
    (holding,) = await line.join(EVE)
    with pytest.raises(Limited):
        await line.take(ALICE)
    line.go_on.set()
    await holding


@pytest.mark.parametrize(
    ("client", "peer"),
    [
        (("192.0.2.1", 80), "192.0.2.1"),
        (("::ffff:192.0.2.1", 80), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 80), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::1", 1), "2001:db8:1:2::/64"),
        (("a socket", 0), ""),
        (("", 0), ""),
        ((), ""),
        (None, ""),
    ],
)
def test_a_peer_is_what_nobody_chooses_freely(client: object, peer: str) -> None:
    """An IPv6 caller has 2^64 addresses; they are one."""
    assert peer_of(client) == peer
