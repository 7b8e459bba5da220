"""Players who prove themselves by a token of somebody else's, which Openfort's clients hand on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Unauthenticated

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World


@dataclass(frozen=True, slots=True)
class PlayerToken:
    """
    A token as it came.

    Args:
        provider: Who made it, as the client calls them; empty if it does not say.
        kind: What it is, such as ``idToken``; empty if it does not say.
    """

    token: str = field(repr=False)
    provider: str
    kind: str


async def player_of(_world: World, _publishable: Principal, told: PlayerToken) -> Principal:
    """
    Return the player whom *told* proves in the organization of *publishable*.

    Raises:
        Unauthenticated: It proves nobody here.
    """
    provider = told.provider[:40] or "none"
    detail = f"x-player-token: expected a token of a provider known here, got one of {provider}"
    raise Unauthenticated(Code.PROOF_REFUSED, detail)
