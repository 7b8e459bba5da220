"""Who is exposed to a key or a contract, and the end of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client.asks import write
from valetkey.wire import exposure as wire
from valetkey.wire.base import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Unpack

    from valetkey.client._async.line import AsyncLine
    from valetkey.client.filters import Asked
    from valetkey.wire.stop import Stopped


class AsyncExposure:
    """Sessions of an organization, and of all below it, that are exposed to one thing."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    def list(self, **asked: Unpack[Asked]) -> AsyncIterator[wire.Exposure]:
        """
        Yield every session that is not over and is exposed, with the ways and the worst case.

        >>> for one in vk.exposure.list(contract=router):
        ...     print(one.session.id, one.worst_case.text)

        Args:
            asked: One thing, as `Asked` says.
        """
        return self._line.pages(Page[wire.Exposure], "/v1/exposure", **asked)

    async def revoke(self, **asked: Unpack[Asked]) -> AsyncIterator[Stopped]:
        """
        Yield the receipt of every session that `list` would, revoked, until nothing is left.

        Those that are opened meanwhile are revoked as well: it starts again until a whole round
        finds nothing. Going on after an error, or twice, does no harm.

        Args:
            asked: One thing, as `Asked` says.
        """
        found = True
        while found:
            found = False
            after: str | None = ""
            while after is not None:
                body = wire.RevokeExposed(**asked, after=after)
                page = await self._line.send(
                    write(wire.RevokedExposed, "/v1/exposure/revoke", body)
                )
                for stopped in page.items:
                    found = True
                    yield stopped
                after = page.next
