"""No mailer: codes are refused before anybody waits for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from valetkey.ports import CodeMessage


class NobodyMessenger:
    """See `Messenger`."""

    async def send(self, message: CodeMessage) -> None:
        """Raise `Unavailable`: nobody takes *message*."""
        detail = f"expected a mailer for {message.about!r}, got none: set codes_to"
        raise Unavailable(Code.MESSENGER_UNAVAILABLE, detail)
