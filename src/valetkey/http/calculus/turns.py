"""Whose turn it is: callers take turns, whoever asks how much."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Limited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Turns:
    """
    One at a time, and of those who wait a caller after the other.

    Somebody who asks and asks is one caller: they delay each other one by one answer at most. When
    no more may wait, whoever waits least gets in, for the last one of whom waits most.

    Args:
        waiting: How many may wait.
    """

    def __init__(self, waiting: int) -> None:
        self._most = waiting
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        self._is_taken = False

    @asynccontextmanager
    async def of(self, caller: str) -> AsyncIterator[None]:
        """
        Give *caller* a turn.

        Raises:
            Limited: Too many wait.
        """
        if self._is_taken:
            await self._wait(caller)
        self._is_taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, caller: str) -> None:
        self._make_room(caller)
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(caller, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was theirs already
                self._pass_on()
            raise

    def _make_room(self, caller: str) -> None:
        self._lines = {
            name: line
            for name, whole in self._lines.items()
            if (line := deque(one for one in whole if not one.done()))
        }
        if sum(map(len, self._lines.values())) < self._most:
            return
        detail = f"expected at most {self._most} waiting for an answer, got more; ask later"
        refused = Limited(Code.TOO_MANY_QUESTIONS, detail)
        longest = max(self._lines.values(), key=len, default=deque())
        if len(longest) <= len(self._lines.get(caller, ())) + 1:
            raise refused
        longest.pop().set_exception(refused)

    def _pass_on(self) -> None:
        """Let the next one of the next caller go on; the caller then waits behind all others."""
        self._is_taken = False
        while self._lines:
            caller = next(iter(self._lines))
            line = self._lines.pop(caller)
            while line:
                turn = line.popleft()
                if turn.done():
                    continue
                if line:
                    self._lines[caller] = line
                self._is_taken = True
                turn.set_result(None)
                return
