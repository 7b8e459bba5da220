"""The time of the next block: real time, moved forward on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class BlockClock:
    """
    Seconds that follow *now*, plus what was added.

    Args:
        now: Unix seconds.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._ahead_s = 0
        self._exact: int | None = None

    def peek(self, newest_at: int) -> int:
        """Return the time that the next block would have after one at *newest_at*."""
        at = self._now() + self._ahead_s if self._exact is None else self._exact
        return max(at, newest_at)

    def take(self, newest_at: int) -> int:
        """Return that time for a block that is now made; an exact time is used up, and goes on."""
        at = self.peek(newest_at)
        if self._exact is not None:
            self._ahead_s = at - self._now()
            self._exact = None
        return at

    def advance(self, seconds: int) -> int:
        """Move forward; return by how much it is ahead in all."""
        self._ahead_s += seconds
        return self._ahead_s

    def set_next(self, at: int) -> None:
        """Make *at* the time of the next block, and go on from there."""
        self._exact = at
