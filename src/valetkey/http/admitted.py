"""What the door hands to those whom it lets in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.flows.stop import close

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.stop import Stopped
    from valetkey.flows.world import World
    from valetkey.http.sight import Reads


@dataclass(frozen=True, slots=True)
class Admitted:
    """
    Who may write, with what to write on. Made by `Door` alone.

    Args:
        reads: For what is answered afterwards.
    """

    world: World
    principal: Principal
    request: Request
    reads: Reads


class Exit:
    """All that a session without write access may do. Made by `Door` alone."""

    __slots__ = ("_principal", "_request", "_world", "reads")

    def __init__(self, world: World, principal: Principal, request: Request, reads: Reads) -> None:
        self._world = world
        self._principal = principal
        self._request = request
        self.reads = reads

    async def close(self) -> Stopped:
        """Close the session that asks."""
        return await close(self._world, self._principal, self._request)
