"""How much fits: the formula and the search say what trying everything says."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valetkey.core.errors import Malformed
from valetkey.core.permission.fill import Amounts, Room
from valetkey.core.permission.flow import SINK, SOURCE, Flow
from valetkey.core.permission.overlap import Grid, first_within
from valetkey.core.permission.search import fill

if TYPE_CHECKING:
    from collections.abc import Iterable

MANY = 10**60


@st.composite
def rooms(draw: st.DrawFn) -> Room:
    """Draw a small room."""
    each = draw(st.integers(0, 14))
    total = draw(st.one_of(st.integers(each, 4 * each + 1), st.just(MANY)))
    calls = draw(st.one_of(st.integers(1, 8), st.just(1000)))
    return Room(calls, draw(st.integers(1, 4)), each, total)


@st.composite
def amounts(draw: st.DrawFn, room: Room) -> Amounts:
    """Draw amounts each of which fits *room* alone."""
    most = draw(st.one_of(st.just(0), st.integers(0, min(room.each, 4))))
    listed = draw(st.sets(st.integers(1, 14), max_size=3))
    return Amounts(most, tuple(sorted((v for v in listed if most < v <= room.each), reverse=True)))


def most_by_trying(values: Iterable[int], room: Room) -> int:
    """Return the most that fits, from the fewest calls for every sum."""
    one = {0: 0}
    waiting = [0]
    while waiting:
        reached = waiting.pop()
        for value in values:
            calls = one[reached] + 1
            total = reached + value
            if value and total <= room.each and calls < one.get(total, room.calls + 1):
                one[total] = calls
                waiting.append(total)
    several = {0: 0}
    for _ in range(room.windows):
        longer: dict[int, int] = {}
        for total, calls in several.items():
            for more, used in one.items():
                if total + more <= room.total and calls + used <= room.calls:
                    longer[total + more] = min(calls + used, longer.get(total + more, MANY))
        several = longer
    return max(several)


def moved_by_filling(given: Amounts, room: Room, need: int) -> int | None:
    """Return what `fill` moves, which must fit; None if it finds nothing."""
    found = fill(given, room, need=need)
    if found is None:
        return None
    moved = calls = 0
    for group in found:
        inside = sum(amount * count for amount, count in group.contents)
        assert inside <= room.each
        assert all(amount <= given.most or amount in given.listed for amount, _ in group.contents)
        moved += inside * group.windows
        calls += sum(count for _, count in group.contents) * group.windows
    assert sum(group.windows for group in found) <= room.windows
    assert calls <= room.calls
    assert need <= moved <= room.total
    return moved


@settings(max_examples=400)
@given(st.data())
def test_the_most_that_fits_is_found_and_no_more(data: st.DataObject) -> None:
    """Exact on both sides of the edge, for listed amounts and for all up to one."""
    room = data.draw(rooms())
    given = data.draw(amounts(room))
    most = most_by_trying([*range(given.most + 1), *given.listed], room)
    for need in {1, most - 1, most, most + 1, most + 2} - {-1, 0}:
        assert (moved_by_filling(given, room, need) is not None) is (need <= most)


BIG = 10**18
EDGES = [
    ("all up to one, without number", Amounts(1), Room(2**32 - 1, 1, MANY, MANY), 2**32 - 1),
    ("a whole window in each call", Amounts(5 * BIG), Room(10, 10**9, 5 * BIG, MANY), 50 * BIG),
    ("smaller last calls", Amounts(3), Room(MANY, 10**9, 7, MANY), 7 * 10**9),
    ("few calls, so large ones", Amounts(3), Room(2 * 10**9 + 5, 10**9, 7, MANY), 6 * 10**9 + 5),
    ("one amount", Amounts(0, (3 * BIG,)), Room(MANY, 365, 7 * BIG, MANY), 365 * 6 * BIG),
    ("one amount under a total", Amounts(0, (3,)), Room(MANY, 365, 7, 100), 99),
    ("two amounts", Amounts(0, (5 * BIG, 3 * BIG)), Room(MANY, 10, 7 * BIG, 59 * BIG), 59 * BIG),
    ("two amounts and calls", Amounts(0, (500, 3)), Room(5, 3, 600, MANY), 1506),
    ("smaller calls beside a large one", Amounts(10, (500,)), Room(3, 1, 1200, 1200), 1010),
    ("smaller calls in every window", Amounts(10, (500,)), Room(5, 3, 600, MANY), 1520),
    ("fewer calls than the largest would take", Amounts(0, (6, 5, 1)), Room(5, 2, 10, MANY), 20),
    ("the same again another way", Amounts(0, (60, 50, 40, 8, 7)), Room(5, 1, 119, 119), 118),
    ("a thousand days", Amounts(0, (5, 3)), Room(MANY, 1000, 7, MANY), 6000),
]


@pytest.mark.parametrize(("what", "given", "room", "most"), EDGES, ids=[row[0] for row in EDGES])
def test_large_numbers_need_no_trying(what: str, given: Amounts, room: Room, most: int) -> None:
    """The edge is exact however many windows and calls there are."""
    moved = moved_by_filling(given, room, most)
    assert moved is not None, what
    assert moved >= most
    assert moved_by_filling(given, room, most + 1) is None


HARD = [
    (tuple(2**127 - 3**n for n in range(10, 60)), Room(MANY, 1, 2**130 + 1, MANY)),
    ((10**9 + 7, 10**9, 10**9 - 9), Room(2000, 900, 5 * 10**9 + 3, 2 * 10**12)),
]


@pytest.mark.parametrize(("listed", "room"), HARD, ids=["one window", "many windows"])
def test_what_would_take_for_ever_is_refused(listed: tuple[int, ...], room: Room) -> None:
    """The question is as hard as subset sum; an error is no answer."""
    with pytest.raises(Malformed, match="list fewer, or say at most"):
        fill(Amounts(0, listed), room, need=min(room.each * room.windows, room.total) - 1)


@given(st.integers(1, 40), st.integers(0, 60), st.data())
def test_the_first_number_within_is_the_first(modulus: int, step: int, data: st.DataObject) -> None:
    """Found without going through them."""
    low, high = data.draw(st.tuples(*[st.integers(0, modulus - 1)] * 2))
    tried = [step * number % modulus for number in range(modulus)]
    inside = [low <= one <= high if low <= high else one >= low or one <= high for one in tried]
    assert first_within(step, modulus, low, high) == (inside.index(True) if any(inside) else None)


@settings(max_examples=300)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 40), st.integers(1, 40), st.data())
def test_the_widest_window_overlaps_most(
    window_s: int, own_window_s: int, early: int, length: int, data: st.DataObject
) -> None:
    """Second by second no other window of the grid meets more of the session's windows."""
    begin = early + data.draw(st.integers(0, 9))
    grid = Grid(early, window_s, begin, begin + length)
    met: dict[int, set[int]] = {}
    for second in range(begin, begin + length):
        own = (second - begin) // own_window_s if own_window_s else 0
        met.setdefault((second - early) // window_s if window_s else 0, set()).add(own)
    span = grid.widest(own_window_s)
    assert span.windows == max(len(own) for own in met.values())
    times = [span.time_of(window) for window in range(span.windows)]
    assert times == sorted(set(times))
    assert begin <= times[0] <= times[-1] < begin + length


def test_phases_go_round_and_their_latest_is_found_at_once() -> None:
    """Minutes against windows of 61 seconds over a century: one window meets two of them."""
    length = 100 * 365 * 86_400
    span = Grid(0, 60, 1, 1 + length).widest(61)
    assert (span.windows, span.end - span.begin) == (2, 60)
    assert Grid(0, 60, 60, 60 + length).widest(60).windows == 1
    assert lcm(60, 61) < length


def test_what_flows_is_what_the_narrowest_links_let_through() -> None:
    """A way that was taken may be given up for two others."""
    net = Flow()
    for one, other in [(SOURCE, "a"), (SOURCE, "b"), ("a", "x"), ("a", "y"), ("b", "x")]:
        net.link(one, other, 1)
    net.link("x", SINK, 1)
    net.link("y", SINK, 0)
    assert net.push(0) == 0
    assert net.push(5) == 1
    net.widen("y", SINK, 7)
    assert net.push(5) == 1
    assert [net.carried("a", "y"), net.carried("b", "x"), net.carried("y", SINK)] == [1, 1, 1]
