"""Many things, a few at a time: no node, and no other request, is drowned by one that asks much."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

AT_ONCE: Final = 20
A = TypeVar("A")
B = TypeVar("B")


async def in_turns(act: Callable[[A], Awaitable[B]], things: Sequence[A]) -> list[B]:
    """Return what *act* makes of each of *things*, in their order, `AT_ONCE` of them at a time."""
    made: list[B] = []
    for start in range(0, len(things), AT_ONCE):
        made += await asyncio.gather(*(act(one) for one in things[start : start + AT_ONCE]))
    return made
