"""
How much can be moved in a time: calls up to some amount, put into windows that hold so much.

Pure arithmetic, and exact. A session may count calls by the window and amounts by the window; one
kind lies within the other (`check_comparable`), so it is right to place as many calls of the
largest amount as possible first, and then what is left of each window in one smaller call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.permission.overlap import Group, Nest


@dataclass(frozen=True, slots=True)
class Room:
    """
    What may be moved, and how often.

    Args:
        nest: The windows.
        most: In one call; at least 1.
        inner, outer: How many calls of *most* fit into an inner and into an outer window.
        rest: What then still fits into a window of the amount, in one call.
        amount_is_outer: Whether the amount counts by outer windows, and calls by inner ones.
        calls, total: How many calls in all, and how much.
    """

    nest: Nest
    most: int
    inner: int
    outer: int
    rest: int
    amount_is_outer: bool
    calls: int
    total: int

    def slots(self, inners: int) -> tuple[int, int]:
        """Return how many calls of *most* an outer window with *inners* takes, and of *rest*."""
        whole = min(self.outer, self.inner * inners)
        if not self.rest:
            return whole, 0
        if self.amount_is_outer:
            return whole, 1 if self.inner * inners > whole else 0
        return whole, min(inners, self.outer - whole)

    def holds(self, groups: Sequence[Group]) -> int:
        """Return the most that fits into *groups*."""
        whole = smaller = 0
        for group in groups:
            slots = self.slots(group.inners)
            whole += group.outers * slots[0]
            smaller += group.outers * slots[1]
        whole = min(whole, self.calls)
        return min(self.total, self.most * whole + self.rest * min(smaller, self.calls - whole))


@dataclass(frozen=True, slots=True)
class Filled:
    """
    Inner windows with the same *contents*: *inners* in a row, and that again in *outers* windows.

    Args:
        first: The number of the first inner window.
        contents: Amounts, each with how many calls have it.
    """

    first: int
    inners: int
    outers: int
    contents: tuple[tuple[int, int], ...]


def fill(room: Room, groups: Sequence[Group], *, need: int) -> Iterator[Filled]:
    """
    Yield calls that move *need* together.

    Args:
        groups: In order of time; they hold so much.
        need: At least 1.
    """
    slots = sum(group.outers * room.slots(group.inners)[0] for group in groups)
    whole = min(slots, need // room.most)
    left = need - whole * room.most
    last = room.most if whole < slots else room.rest
    smaller, extra = divmod(left, last) if last else (0, 0)
    for group in groups:
        full, rests = room.slots(group.inners)
        if whole < slots:  # then what is left is less than one call, and there is room for it
            outers = min(group.outers, whole // full)
            yield from _filled(room, group, 0, outers, (full, 0, 0))
            whole, slots = whole - outers * full, slots - outers * full
            if outers < group.outers and whole + extra:
                yield from _filled(room, group, outers, 1, (whole, 0, extra))
                return
            continue
        outers = min(group.outers, smaller // rests) if rests else 0
        yield from _filled(room, group, 0, outers, (full, rests, 0))
        smaller -= outers * rests
        if rests and outers < group.outers and smaller + extra:
            yield from _filled(room, group, outers, 1, (full, smaller, extra))
            smaller, extra, outers = 0, 0, outers + 1
        yield from _filled(room, group, outers, group.outers - outers, (full, 0, 0))


def _filled(
    room: Room, group: Group, behind: int, outers: int, what: tuple[int, int, int]
) -> Iterator[Filled]:
    """
    Yield what is in *outers* windows of *group*, *behind* so many.

    Args:
        what: Calls of the largest amount, calls of what is left of a window, and a smaller amount.
    """
    full, rests, extra = what
    first, at = group.first + behind * room.nest.inners, 0
    for inners, whole, more in _row(room, group, full, rests, extra):
        contents = ((room.most, whole), *((amount, 1) for amount in more))
        kept = tuple((amount, count) for amount, count in contents if amount and count)
        if inners and outers and kept:
            yield Filled(first + at, inners, outers, kept)
        at += inners


def _row(
    room: Room, group: Group, full: int, rests: int, extra: int
) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """Return numbers of inner windows, calls of the largest amount in each, smaller ones."""
    each = room.inner
    if not room.amount_is_outer and full == each * group.inners:
        behind = rests + (1 if extra else 0)
        return (
            (rests, each, (room.rest,)),
            (behind - rests, each, (extra,)),
            (group.inners - behind, each, ()),
        )
    whole, part = divmod(full, each)
    return (whole, each, ()), (1, part, (*[room.rest] * rests, extra))
