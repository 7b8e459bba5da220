"""Windows against windows: how many of a session's windows one window of another overlaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valetkey.core.permission.lower import Limit
    from valetkey.core.permission.model import Permission


@dataclass(frozen=True, slots=True)
class Span:
    """
    Seconds of a session's life, and the session's windows that they overlap.

    Args:
        begin, end: First second, and first second behind.
        window_s: Length of the session's windows, counted from *starts_at*.
    """

    begin: int
    end: int
    starts_at: int
    window_s: int

    @property
    def first(self) -> int:
        """The number of the first of these windows."""
        return (self.begin - self.starts_at) // self.window_s

    @property
    def windows(self) -> int:
        """How many there are."""
        return (self.end - 1 - self.starts_at) // self.window_s - self.first + 1

    def time_of(self, window: int) -> int:
        """Return the first second of the span in its *window*, counted from 0 on."""
        return max(self.begin, self.starts_at + (self.first + window) * self.window_s)


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

    @property
    def first(self) -> int:
        """The number of the window in which the session begins."""
        return (self.begin - self.starts_at) // self.window_s if self.window_s else 0

    @property
    def last(self) -> int:
        """The number of the window in which the session ends."""
        return (self.end - 1 - self.starts_at) // self.window_s if self.window_s else 0

    def span(self, number: int, own_window_s: int) -> Span:
        """Return what window *number* has of the life, in windows of *own_window_s*, or one."""
        begin, end = self.begin, self.end
        if self.window_s:
            begin = max(begin, self.starts_at + number * self.window_s)
            end = min(end, self.starts_at + (number + 1) * self.window_s)
        return Span(begin, end, self.begin, own_window_s or self.end - self.begin)

    def widest(self, own_window_s: int) -> Span:
        """Return the window that overlaps most windows of *own_window_s* seconds from the begin."""
        own = own_window_s or self.end - self.begin
        numbers = [self.first, self.last]
        inner = self.last - self.first - 1
        if inner > 0:  # windows that lie in the life as a whole
            phase = (self.starts_at + (self.first + 1) * self.window_s - self.begin) % own
            numbers.append(self.first + 1 + _latest(phase, self.window_s, own, inner))
        return max((self.span(number, own) for number in numbers), key=lambda span: span.windows)


def grid_of(limit: Limit, child: Permission, *, starts_at: int) -> Grid:
    """Return the windows of *limit*, which begin at *starts_at*, over the life of *child*."""
    return Grid(starts_at, limit.window_s, child.starts_at, child.expires_at)


def _latest(phase: int, window_s: int, own: int, count: int) -> int:
    """
    Return which of *count* windows in a row overlaps most windows of length *own*.

    A window that begins *p* seconds into one of them overlaps ``(p + window_s - 1) // own + 1``.
    That takes two values, and the larger one from some *p* on: the first window that begins so
    late is looked for.
    """
    most = (own - 1 + window_s - 1) // own
    late = max(most * own - window_s + 1, 0)
    found = first_within(window_s, own, (late - phase) % own, (own - 1 - phase) % own)
    return found if found is not None and found < count else 0


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
