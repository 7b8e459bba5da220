"""Stores that wait or fail when a test says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from valetkey.adapters.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.ports import T, Tx, View


class GatedStore(MemoryStore):
    """A store whose writes wait at a gate while it is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()

    async def write(self, body: Callable[[Tx], T]) -> T:
        """Write when the gate is open."""
        self.arrived.set()
        await self.gate.wait()
        return await super().write(body)


class FailingStore(MemoryStore):
    """A store that fails in a way that nobody foresaw, from when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.says = ""
        self.written = asyncio.Event()

    async def write(self, body: Callable[[Tx], T]) -> T:
        """Write, and say so."""
        made = await super().write(body)
        self.written.set()
        return made

    async def read(self, body: Callable[[View], T]) -> T:
        """Read, or fail."""
        if self.says:
            raise RuntimeError(self.says)
        return await super().read(body)
