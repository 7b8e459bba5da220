"""
How much can be moved: amounts that a call may have, put into windows that hold so much each.

Pure arithmetic, and exact. Where every amount up to one is allowed there is a formula. Where only
listed amounts are, it is a subset-sum problem: bounds decide nearly all of it, and `search` the
rest.
"""

from __future__ import annotations

from dataclasses import dataclass

Contents = tuple[tuple[int, int], ...]
"""Amounts, each with how many calls have it."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """
    What one call may move: every amount up to *most*, and each of *listed*, which are above it.

    Args:
        listed: Descending, none twice.
    """

    most: int
    listed: tuple[int, ...] = ()

    @property
    def greatest(self) -> int:
        """The most of all."""
        return self.listed[0] if self.listed else self.most


@dataclass(frozen=True, slots=True)
class Room:
    """
    Where it must fit.

    Args:
        calls: At most so many.
        windows: So many of them, at least one.
        each: What each window holds.
        total: What all of them hold together.
    """

    calls: int
    windows: int
    each: int
    total: int


@dataclass(frozen=True, slots=True)
class Filled:
    """So many *windows* with the same *contents* in each, and what fits in each beside them."""

    windows: int
    contents: Contents
    room: int

    def split(self, windows: int, amount: int, count: int) -> tuple[Filled, Filled]:
        """Return *windows* of these with *count* calls of *amount* more, and the others."""
        more = ((amount, count),) if amount and count else ()
        topped = Filled(windows, (*self.contents, *more), self.room - amount * count)
        return topped, Filled(self.windows - windows, self.contents, self.room)


def most_of(most: int, room: Room) -> int:
    """
    Return the most that fits *room* if a call may move every amount up to *most*.

    As many calls as possible move *most*; each window then has room for one smaller call.
    """
    if most == 0:
        return 0
    whole, rest = divmod(room.each, most)
    full = min(room.calls, room.windows * whole)
    last = min(room.calls - full, room.windows)
    return min(room.total, most * full + rest * last)


def top_up(
    windows: tuple[Filled, ...], most: int, *, need: int, calls: int
) -> tuple[Filled, ...] | None:
    """
    Return *windows* with calls of at most *most* that move *need* more; None if they cannot.

    First calls that move *most*, as many as are needed and fit. Then less than one of them is left,
    or no window has room for another: one smaller call in each, the largest first.

    Args:
        calls: At most so many more.
    """
    if need <= 0:
        return windows
    if most == 0:
        return None
    full = min(calls, need // most)
    calls, need = calls - full, need - full * most
    done: list[Filled] = []
    for group in windows:
        slots = group.room // most
        whole, more = divmod(min(full, group.windows * slots), slots) if slots else (0, 0)
        full -= whole * slots + more
        topped, others = group.split(whole, most, slots)
        done += [topped, *others.split(1 if more else 0, most, more)]
    return _last(done, most, need=need + full * most, calls=calls + full)


def _last(windows: list[Filled], most: int, *, need: int, calls: int) -> tuple[Filled, ...] | None:
    done: list[Filled] = []
    for group in sorted(windows, key=lambda one: min(one.room, most), reverse=True):
        amount = min(group.room, most)
        whole = min(need // amount, group.windows, calls) if amount else 0
        topped, others = group.split(whole, amount, 1)
        need, calls = need - whole * amount, calls - whole
        last = min(need, amount) if others.windows and calls else 0
        need, calls = need - last, calls - bool(last)
        done += [topped, *others.split(1 if last else 0, last, 1)]
    if need:
        return None
    return tuple(sorted((one for one in done if one.windows), key=lambda one: one.room))
