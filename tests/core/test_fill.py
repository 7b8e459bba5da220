"""How much fits: the formula says what trying everything says, and so do its calls."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.searched import searched
from valetkey.core.permission.fill import Room, fill
from valetkey.core.permission.overlap import Grid, Group, Nest, first_within

MANY = 10**60


@st.composite
def rooms(draw: st.DrawFn) -> Room:
    """Draw a small room."""
    most = draw(st.integers(1, 4))
    each = draw(st.integers(most, 9))
    total = draw(st.one_of(st.integers(each, 30), st.just(MANY)))
    by_outer = draw(st.booleans())
    fitting, rest = divmod(each, most)
    rated = draw(st.integers(1, 5))
    return Room(
        nest=Nest(0, 10, draw(st.integers(1, 3))),
        most=most,
        inner=rated if by_outer else fitting,
        outer=fitting if by_outer else rated,
        rest=rest,
        amount_is_outer=by_outer,
        calls=draw(st.one_of(st.integers(1, 8), st.just(MANY))),
        total=total,
    )


def each_of(room: Room) -> int:
    """Return what a window of the amount holds."""
    fitting = room.outer if room.amount_is_outer else room.inner
    return fitting * room.most + room.rest


def most_by_trying(room: Room, first: int, count: int) -> int:
    """
    Return the most that fits into inner windows, from every number of calls in each of them.

    With the number of calls in a window known, any amount up to that many of the largest can move.
    """
    rated = room.inner if room.amount_is_outer else room.outer
    best = 0
    numbers = range(min(rated, room.calls, 9) + 1)
    for calls in product(numbers, repeat=count):
        if sum(calls) > room.calls:
            continue
        outer: dict[int, list[int]] = {}
        for at, number in enumerate(calls):
            outer.setdefault((first + at) // room.nest.inners, []).append(number)
        if room.amount_is_outer:
            moved = sum(min(sum(one) * room.most, each_of(room)) for one in outer.values())
        elif any(sum(one) > rated for one in outer.values()):
            continue
        else:
            moved = sum(min(one * room.most, each_of(room)) for one in calls)
        best = max(best, min(moved, room.total))
    return best


def moved_by_filling(room: Room, groups: tuple[Group, ...], need: int) -> int:
    """Return what `fill` moves, window by window, which must fit."""
    calls: dict[int, int] = {}
    moved: dict[int, int] = {}
    for one in fill(room, groups, need=need):
        for outer, inner in product(range(one.outers), range(one.inners)):
            at = one.first + outer * room.nest.inners + inner
            for amount, times in one.contents:
                assert 0 < amount <= room.most
                calls[at] = calls.get(at, 0) + times
                moved[at] = moved.get(at, 0) + amount * times
    inside = {
        group.first + outer * room.nest.inners + inner
        for group in groups
        for outer, inner in product(range(group.outers), range(group.inners))
    }
    assert set(calls) <= inside
    by_inner, by_outer = (moved, calls) if not room.amount_is_outer else (calls, moved)
    limits = (
        (each_of(room), room.outer) if not room.amount_is_outer else (room.inner, each_of(room))
    )
    assert max(by_inner.values()) <= limits[0]
    for outer in {at // room.nest.inners for at in by_outer}:
        mine = [many for at, many in by_outer.items() if at // room.nest.inners == outer]
        assert sum(mine) <= limits[1]
    assert sum(calls.values()) <= room.calls
    return sum(moved.values())


@searched(400)
@given(rooms(), st.integers(0, 4), st.integers(1, 4))
def test_the_most_that_fits_is_what_trying_finds(room: Room, first: int, count: int) -> None:
    """Exact, and for every amount up to it there are calls that move just that."""
    groups = room.nest.row(first, count)
    most = most_by_trying(room, first, count)
    assert room.holds(groups) == most
    for need in {1, most // 2, most - 1, most} - {-1, 0}:
        assert moved_by_filling(room, groups, need) == need


BIG = 10**18
ONE = Room(Nest(0, 60, 1), 1, 2**32, MANY, 0, amount_is_outer=True, calls=2**32 - 1, total=MANY)
EDGES = [
    ("all up to one, without number", ONE, 1, 2**32 - 1),
    ("a whole window in each call", replace(ONE, most=5 * BIG, outer=1, calls=10), 10**9, 50 * BIG),
    ("smaller last calls", replace(ONE, most=3, outer=2, rest=1), 10**9, 7 * 10**9),
    (
        "few calls, so large ones",
        replace(ONE, most=3, outer=2, rest=1, calls=2 * 10**9 + 5),
        10**9,
        6 * 10**9 + 5,
    ),
    ("a thousand days", replace(ONE, most=5, outer=1, rest=2, total=6000), 1000, 6000),
    (
        "ten calls a minute in a thousand days of a million",
        Room(Nest(0, 60, 1440), 90, 10, 11_111, 10, amount_is_outer=True, calls=MANY, total=MANY),
        1440 * 1000 + 1,
        10**9 + 900,
    ),
    (
        "a hundred a minute in a thousand days of ten calls",
        Room(Nest(0, 60, 1440), 70, 1, 10, 30, amount_is_outer=False, calls=MANY, total=MANY),
        1440 * 1000 + 1,
        700_000 + 100,
    ),
]


@pytest.mark.parametrize(("what", "room", "count", "most"), EDGES, ids=[row[0] for row in EDGES])
def test_large_numbers_need_no_trying(what: str, room: Room, count: int, most: int) -> None:
    """The edge is exact however many windows and calls there are, and its calls are few to say."""
    groups = room.nest.row(0, count)
    assert room.holds(groups) == most, what
    filled = list(fill(room, groups, need=most))
    assert len(filled) <= 8
    assert most == sum(
        one.outers * one.inners * amount * times for one in filled for amount, times in one.contents
    )


@given(st.integers(1, 4), st.integers(0, 9), st.integers(1, 20))
def test_a_row_is_its_windows(inners: int, first: int, count: int) -> None:
    """Grouped by the outer window, none left out."""
    nest = Nest(0, 7, inners)
    listed = [
        group.first + outer * inners + inner
        for group in nest.row(first, count)
        for outer in range(group.outers)
        for inner in range(group.inners)
    ]
    assert listed == list(range(first, first + count))
    assert nest.groups(first * 7 + 6, (first + count) * 7 - 6) == nest.row(first, count)


@given(st.integers(1, 40), st.integers(0, 60), st.data())
def test_the_first_number_within_is_the_first(modulus: int, step: int, data: st.DataObject) -> None:
    """Found without going through them."""
    low, high = data.draw(st.tuples(*[st.integers(0, modulus - 1)] * 2))
    tried = [step * number % modulus for number in range(modulus)]
    inside = [low <= one <= high if low <= high else one >= low or one <= high for one in tried]
    assert first_within(step, modulus, low, high) == (inside.index(True) if any(inside) else None)


def weight(groups: tuple[Group, ...]) -> int:
    """Return a number that depends on how windows lie: three at most count in an outer one."""
    return sum(group.outers * min(3, group.inners) for group in groups)


@searched(400)
@given(st.integers(0, 9), st.integers(1, 5), st.integers(1, 4), st.integers(0, 40), st.data())
def test_the_window_that_holds_most_is_found(
    window_s: int, inner_s: int, inners: int, early: int, data: st.DataObject
) -> None:
    """Whichever of the windows it is, and however they lie; if none holds so much, none is."""
    begin = early + data.draw(st.integers(0, 9))
    end = begin + data.draw(st.integers(1, 200))
    nest, grid = Nest(begin, inner_s, inners), Grid(early, window_s, begin, end)
    spans: dict[int, list[int]] = {}
    for second in range(begin, end):
        spans.setdefault((second - early) // window_s if window_s else 0, []).append(second)
    most = max(weight(nest.groups(one[0], one[-1] + 1)) for one in spans.values())
    found = grid.find(nest, lambda groups: weight(groups) < most)
    assert found is not None
    assert weight(nest.groups(*found)) == most
    assert list(range(*found)) in spans.values()
    assert grid.find(nest, lambda groups: weight(groups) <= most) is None


def test_a_century_is_searched_at_once() -> None:
    """Minutes against windows of 61 seconds: one of those meets two of them, never three."""
    length = 100 * 365 * 86_400
    nest = Nest(1, 61, 1)
    grid = Grid(0, 60, 1, 1 + length)
    found = grid.find(nest, lambda groups: weight(groups) < 2)
    assert found is not None
    assert found[1] - found[0] == 60
    assert grid.find(nest, lambda groups: weight(groups) < 3) is None
