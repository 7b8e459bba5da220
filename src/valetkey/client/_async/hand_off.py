"""Sessions handed to backends, by a code for one use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.client.asks import look
from valetkey.wire.child_session import HandedOff, HandOff

if TYPE_CHECKING:
    from typing import Literal

    from valetkey.client._async.line import AsyncLine

REDEEM: Final = "/v1/hand-offs/redeem"


async def hand_off(line: AsyncLine, scope: Literal["read", "write"], ttl: int) -> HandedOff:
    """Return a code for a session under the one that *line* proves."""
    body = HandOff(scope=scope, ttl_s=ttl)
    return await line.send(look(HandedOff, "/v1/session/hand-offs", body))
