"""Codes for whoever sits at the machine: a line each. For development."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from valetkey.ports import CodeMessage


class PrintedMessenger:
    """
    See `Messenger`.

    Args:
        output: Where the lines go. Whoever reads it can log in as anybody.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output

    async def send(self, message: CodeMessage) -> None:
        """See `Messenger.send`."""
        line = f"one-time code for {message.address} ({message.about}): {message.code}"
        print(line, file=self._output, flush=True)
