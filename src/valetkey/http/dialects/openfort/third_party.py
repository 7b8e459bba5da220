"""Players who prove themselves by a token of somebody else's, which Openfort's clients hand on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valetkey.core.surface import Surface
from valetkey.flows.holder import Asked
from valetkey.flows.identify import prove_with
from valetkey.http.routes import Leave, Read

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.http.routes import Route


@dataclass(frozen=True, slots=True)
class PlayerToken:
    """
    A token as it came.

    Args:
        provider: Who made it, as the client calls them; empty if it does not say.
        kind: What it is, such as ``idToken``; empty if it does not say. Only tokens that say
            themselves whom they are about are taken, so that nothing depends on it.
    """

    token: str = field(repr=False)
    provider: str
    kind: str


async def player_of(
    world: World, publishable: Principal, told: PlayerToken, route: Route
) -> Principal:
    """
    Return the session of the player whom *told* proves in the organization of *publishable*.

    Raises:
        Malformed: The organization knows no such provider.
        Unauthenticated, Forbidden: The token proves nobody here, or whose session is stopped.
    """
    asked = Asked(
        is_write=not isinstance(route, Read),
        is_leaving=isinstance(route, Leave),
        surface=Surface.OPENFORT,
    )
    return await prove_with(world, publishable, name=told.provider, token=told.token, asked=asked)
