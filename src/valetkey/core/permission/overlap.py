"""Windows against windows: which of a session's windows one window of another overlaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Group:
    """
    Outer windows in a row, each with as many inner ones.

    Args:
        outers: How many outer windows.
        inners: How many inner windows in each of them.
        first: The number of the first inner window.
    """

    outers: int
    inners: int
    first: int


@dataclass(frozen=True, slots=True)
class Nest:
    """
    A session's windows: inner ones of *inner_s* seconds, *inners* of them in each outer one.

    Both are counted from *starts_at*, so that no inner window lies in two outer ones.
    """

    starts_at: int
    inner_s: int
    inners: int

    @property
    def outer_s(self) -> int:
        """Length of an outer window."""
        return self.inner_s * self.inners

    def groups(self, begin: int, end: int) -> tuple[Group, ...]:
        """Return the windows that the seconds from *begin* until before *end* overlap."""
        first = (begin - self.starts_at) // self.inner_s
        return self.row(first, (end - 1 - self.starts_at) // self.inner_s - first + 1)

    def row(self, first: int, count: int) -> tuple[Group, ...]:
        """Return *count* inner windows from number *first* on; those of a full row are alike."""
        head = min(-first % self.inners, count)
        outers, tail = divmod(count - head, self.inners)
        found = (
            Group(1, head, first),
            Group(outers, self.inners, first + head),
            Group(1, tail, first + count - tail),
        )
        return tuple(group for group in found if group.outers and group.inners)


@dataclass(frozen=True, slots=True)
class Grid:
    """
    Windows over the life of a session, which begins not before them.

    Args:
        starts_at: When the first window begins.
        window_s: Length of each; 0 is one window without end.
        begin, end: The session's first second, and the first one behind it.
    """

    starts_at: int
    window_s: int
    begin: int
    end: int

    def _number(self, second: int) -> int:
        return (second - self.starts_at) // self.window_s if self.window_s else 0

    def _span(self, number: int) -> tuple[int, int]:
        """Return the seconds that window *number* has of the life."""
        if not self.window_s:
            return self.begin, self.end
        begin = self.starts_at + number * self.window_s
        return max(self.begin, begin), min(self.end, begin + self.window_s)

    def find(self, nest: Nest, fits: Callable[[tuple[Group, ...]], bool]) -> tuple[int, int] | None:
        """
        Return the seconds of a window whose overlap with *nest* does not fit; None if all do.

        1. the first and the last window may be cut off by the life; 2. of those between, as many as
        there are, only how they lie in an outer window makes a difference.

        Args:
            fits: Whether nothing is wrong with such windows of *nest*; of more of them is more.
        """
        first, last = self._number(self.begin), self._number(self.end - 1)
        numbers = [first, last] if last > first else [first]
        if last - first - 1 > 2 * nest.inners:
            numbers += self._ways(nest, first + 1, last - first - 1, fits)
        else:
            numbers += range(first + 1, last)
        spans = (self._span(number) for number in numbers)
        return next((span for span in spans if not fits(nest.groups(*span))), None)

    def _ways(
        self, nest: Nest, first: int, count: int, fits: Callable[[tuple[Group, ...]], bool]
    ) -> Iterator[int]:
        """
        Yield which of *count* windows from number *first* on may not fit.

        One that begins *late* seconds into an inner window overlaps ``(late + window_s - 1) //
        inner_s + 1`` of them. That takes two values, the larger one from some second on.
        """
        begin, _ = self._span(first)
        phase = (begin - nest.starts_at) % nest.outer_s
        more = nest.inner_s - (self.window_s - 1) % nest.inner_s
        fewer = (self.window_s - 1) // nest.inner_s + 1
        for inner in range(nest.inners):
            for low, high, overlaps in (
                (0, more - 1, fewer),
                (more, nest.inner_s - 1, fewer + 1),
            ):
                if low > high or fits(nest.row(inner, overlaps)):
                    continue
                found = first_within(
                    self.window_s,
                    nest.outer_s,
                    (inner * nest.inner_s + low - phase) % nest.outer_s,
                    (inner * nest.inner_s + high - phase) % nest.outer_s,
                )
                if found is not None and found < count:
                    yield first + found


def first_within(step: int, modulus: int, low: int, high: int) -> int | None:
    """
    Return the least *x*, not negative, with ``step * x % modulus`` from *low* to *high*.

    Args:
        low, high: Below *modulus*; if *low* is larger the range goes round, through 0.
    """
    if low > high or low == 0:
        return 0
    step %= modulus
    if step == 0:
        return None
    if 2 * step > modulus:
        return first_within(modulus - step, modulus, modulus - high, modulus - low)
    direct = -(-low // step)
    if direct * step <= high:
        return direct
    # step * x = v + modulus * y: some v from low to high is then -modulus * y, modulo step.
    rounds = first_within(-modulus % step, step, low % step, high % step)
    return None if rounds is None else -(-(low + modulus * rounds) // step)
