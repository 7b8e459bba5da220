"""The most that flows through a net of links from its source to its sink."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

SOURCE: Final = "source"
SINK: Final = "sink"


class Flow:
    """A net; what flows through it grows with each `push` and is never taken back at the sink."""

    def __init__(self) -> None:
        self._left: dict[Hashable, dict[Hashable, int]] = {SOURCE: {}, SINK: {}}

    def link(self, one: Hashable, other: Hashable, most: int) -> None:
        """Let *most* flow from *one* to *other*, which are not linked the other way."""
        self._left.setdefault(one, {})[other] = most
        self._left.setdefault(other, {}).setdefault(one, 0)

    def widen(self, one: Hashable, other: Hashable, more: int) -> None:
        """Let *more* flow from *one* to *other*, which are linked."""
        self._left[one][other] += more

    def carried(self, one: Hashable, other: Hashable) -> int:
        """Return what flows from *one* to *other*."""
        return self._left[other][one]

    def push(self, most: int) -> int:
        """Let as much more flow as can, but at most *most*; return how much that is."""
        pushed = 0
        while pushed < most:
            path = self._path()
            if not path:
                break
            more = min(most - pushed, *(self._left[one][other] for one, other in path))
            for one, other in path:
                self._left[one][other] -= more
                self._left[other][one] += more
            pushed += more
        return pushed

    def _path(self) -> list[tuple[Hashable, Hashable]]:
        """Return the links of a shortest way on which more can flow; none if there is no way."""
        before: dict[Hashable, Hashable] = {SOURCE: SOURCE}
        queue: deque[Hashable] = deque([SOURCE])
        while queue:
            node = queue.popleft()
            for other, left in self._left[node].items():
                if left and other not in before:
                    before[other] = node
                    queue.append(other)
        path: list[tuple[Hashable, Hashable]] = []
        node = SINK
        while node in before and node != SOURCE:
            path.append((before[node], node))
            node = before[node]
        return path[::-1]
