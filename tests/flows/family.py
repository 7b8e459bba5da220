"""A parent organization, its child and a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.worlds import Founded, make_organization, principal_of
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.ids import Prefix
from valetkey.core.token import TOKEN_BYTES, TokenPrefix, fingerprint, make_token
from valetkey.flows import organize

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.ports import Tx


async def make_child(scene: Scene, name: str = "Child") -> Founded:
    """Return an organization below the scene's, with a key of its own from the operator."""
    world = scene.world
    organization = await organize.open_organization(
        world, scene.principal, scene.request(), name=name
    )
    token = make_token(TokenPrefix.SECRET_KEY, world.entropy.take(TOKEN_BYTES))
    credential = Credential(
        id=world.new_id(Prefix.CREDENTIAL),
        organization_id=organization.id,
        kind=CredentialKind.SECRET,
        label="from the operator",
        fingerprint=fingerprint(token),
        public_key=None,
        created_at=world.clock.now(),
    )

    def body(tx: Tx) -> None:
        tx.add(credential)

    await world.store.write(body)
    return Founded(organization, token, await principal_of(world, token))


async def make_stranger(scene: Scene) -> Founded:
    """Return an organization that has nothing to do with the scene's."""
    return await make_organization(scene.world, "Stranger")
