"""Codes that never leave the process: they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valetkey.ports import CodeMessage


class MemoryMessenger:
    """
    See `Messenger`.

    Args:
        kept: What was sent, oldest first.
    """

    def __init__(self) -> None:
        self.kept: list[CodeMessage] = []

    async def send(self, message: CodeMessage) -> None:
        """See `Messenger.send`."""
        self.kept.append(message)
