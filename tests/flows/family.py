"""A parent organization, its child and a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.worlds import Founded, make_organization, principal_of
from valetkey.flows import organize

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.principal import Principal


async def make_child(scene: Scene, name: str = "Child", *, who: Principal | None = None) -> Founded:
    """Return an organization below that of *who*, the scene's unless told, with its first key."""
    world = scene.world
    organization, token = await organize.open_organization(
        world, who or scene.principal, scene.request(), name=name
    )
    assert token is not None
    return Founded(organization, token, await principal_of(world, token))


async def make_stranger(scene: Scene) -> Founded:
    """Return an organization that has nothing to do with the scene's."""
    return await make_organization(scene.world, "Stranger")
