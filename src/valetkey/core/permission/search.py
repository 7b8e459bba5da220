"""The search among listed amounts: is there a choice that moves enough and fits."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.fill import Filled, Room, most_of, top_up

if TYPE_CHECKING:
    from valetkey.core.permission.fill import Amounts, Contents

MAX_STEPS: Final = 100_000


def fill(amounts: Amounts, room: Room, *, need: int) -> tuple[Filled, ...] | None:
    """
    Return calls that fit *room* and move at least *need* together; None if there are none.

    Args:
        need: At least 1.

    Raises:
        Malformed: The listed amounts are too many and too different to say in `MAX_STEPS`.
    """
    if need > most_of(amounts.greatest, room):
        return None
    empty = Filled(room.windows, (), room.each)
    if not amounts.listed:
        return top_up((empty,), amounts.most, need=need, calls=room.calls)
    return _Search(amounts, room).across((), room.windows, room.calls, need=need, below=room.each)


class _Search:
    """
    One search.

    Which windows are chosen for what does not matter, nor with which calls a window comes to a sum
    of listed amounts, as long as they are few. So it goes through such sums, the largest first, and
    for each through how many windows have it; in what is left, calls up to ``most`` are placed by
    formula. Bounds leave out only what cannot move enough.
    """

    def __init__(self, amounts: Amounts, room: Room) -> None:
        self._most = amounts.most
        self._listed = amounts.listed
        self._room = room
        self._steps = 0
        self._divisors = [0] * (len(amounts.listed) + 1)
        for at in reversed(range(len(amounts.listed))):
            self._divisors[at] = gcd(self._divisors[at + 1], amounts.listed[at])

    def across(
        self, chosen: tuple[Filled, ...], windows: int, calls: int, *, need: int, below: int
    ) -> tuple[Filled, ...] | None:
        """
        Return windows that move *need* more, beside those *chosen*, if there are.

        Args:
            windows, calls: What is left.
            below: No window has a larger sum of listed amounts.
        """
        self._step(len(chosen))
        left = Filled(windows, (), self._room.each)
        done = top_up((*chosen, left), self._most, need=need, calls=calls)
        if done is not None:
            return done
        spare = self._room.total - sum(one.windows * _moved(one) for one in chosen)
        while below and self._may_reach(chosen, windows, calls, need=need, below=below):
            found = self._largest(min(below, spare), calls)
            if found is None:
                break
            amount, contents = found
            if not self._may_reach(chosen, windows, calls, need=need, below=amount):
                break
            used = _calls(contents)
            for count in range(min(windows, spare // amount, calls // used), 0, -1):
                group = Filled(count, contents, self._room.each - amount)
                done = self.across(
                    (*chosen, group),
                    windows - count,
                    calls - count * used,
                    need=need - count * amount,
                    below=amount - 1,
                )
                if done is not None:
                    return done
            below = amount - 1
        return None

    def _may_reach(
        self, chosen: tuple[Filled, ...], windows: int, calls: int, *, need: int, below: int
    ) -> bool:
        each = self._room.each if self._most else below
        room = Room(calls, windows, each, windows * each)
        beside = sum(one.windows * one.room for one in chosen)
        most = most_of(self._listed[0], room) + min(beside, calls * self._most)
        return windows > 0 and most >= need

    def _largest(self, high: int, calls: int) -> tuple[int, Contents] | None:
        """Return the largest sum up to *high* of listed amounts, and the fewest calls for it."""
        best = self._sum(1, high, calls)
        if best is None:
            return None
        low = _total(best)
        while low < high:
            better = self._sum((low + high) // 2 + 1, high, calls)
            if better is None:
                high = (low + high) // 2
            else:
                best, low = better, _total(better)
        fewest, calls = 1, _calls(best)
        while fewest < calls:
            fewer = self._sum(low, low, (fewest + calls) // 2)
            if fewer is None:
                fewest = (fewest + calls) // 2 + 1
            else:
                best, calls = fewer, _calls(fewer)
        return low, best

    def _sum(self, low: int, high: int, calls: int) -> Contents | None:
        """
        Return at most *calls* listed amounts that come to from *low* to *high*, if there are.

        At the last amount the bounds in `_from` are all there is to say, so it never goes beyond.
        """
        return self._from(0, low, high, calls, set())

    def _from(
        self, at: int, low: int, high: int, calls: int, failed: set[tuple[int, int, int]]
    ) -> Contents | None:
        if low <= 0:
            return ()
        if (at, low, calls) in failed:
            return None
        amount, divisor = self._listed[at], self._divisors[at]
        if calls * amount < low or -(-low // divisor) * divisor > high:
            return None
        for count in range(min(calls, high // amount), -1, -1):
            self._step()
            moved = count * amount
            rest = self._from(at + 1, low - moved, high - moved, calls - count, failed)
            if rest is not None:
                return ((amount, count), *rest) if count else rest
        failed.add((at, low, calls))
        return None

    def _step(self, depth: int = 0) -> None:
        self._steps += 1 + depth * depth  # so that none goes too deep, either
        if self._steps > MAX_STEPS:
            detail = (
                f"rules: expected amounts that can be compared in {MAX_STEPS} steps, got"
                f" {len(self._listed)} listed ones that cannot; list fewer, or say at most"
            )
            raise Malformed(Code.MALFORMED_PERMISSION, detail)


def _moved(group: Filled) -> int:
    return _total(group.contents)


def _total(contents: Contents) -> int:
    return sum(amount * count for amount, count in contents)


def _calls(contents: Contents) -> int:
    return sum(count for _, count in contents)
