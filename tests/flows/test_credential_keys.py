"""API keys that a vendor's clients check messages by are kept, sealed, and those alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.movers import sides
from tests.flows.test_rewrap import key, under
from valetkey.core.credential import Credential, CredentialKind, key_context
from valetkey.core.errors import Unavailable
from valetkey.core.surface import Surface
from valetkey.flows.credentials import add_credential, revoke_credential
from valetkey.flows.rewrap import rewrap

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.scene import Scene
    from valetkey.flows.world import World


async def added(
    scene: Scene,
    kind: CredentialKind = CredentialKind.SECRET,
    surface: Surface = Surface.OPENFORT,
) -> tuple[Credential, str]:
    """Return a new credential with its key."""
    credential, token = await add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=kind,
        label="",
        public_key=None,
        surface=surface,
    )
    return credential, token or ""


async def opened(world: World, credential_id: str) -> str:
    """Return the key of a credential, as the vault has it."""
    found = await world.store.read(lambda view: view.get(Credential, credential_id))
    assert found is not None
    context = key_context(found.organization_id, found.id)
    return (await world.vault.open(found.sealed_key or b"", context=context)).reveal().decode()


async def test_the_key_is_the_one_that_was_shown(scene: Scene) -> None:
    """In the store there is neither the key nor the UUID in it."""
    credential, token = await added(scene)
    assert await opened(scene.world, credential.id) == token
    assert token.removeprefix("sk_test_") not in repr(credential)


async def test_others_are_not_kept(scene: Scene) -> None:
    """A fingerprint is enough for them."""
    for kind, surface in (
        (CredentialKind.PUBLISHABLE, Surface.OPENFORT),
        (CredentialKind.SECRET, Surface.NATIVE),
        (CredentialKind.SECRET, Surface.PORTAL),
    ):
        credential, _ = await added(scene, kind, surface)
        assert credential.sealed_key is None


async def test_one_that_is_revoked_is_kept_no_more(scene: Scene) -> None:
    """Whoever has it meanwhile could say what looks as if it came from here."""
    credential, _ = await added(scene)
    asked = (scene.world, scene.principal, scene.request())
    await revoke_credential(*asked, credential_id=credential.id)
    kept = await scene.world.store.read(lambda view: view.get(Credential, credential.id))
    assert kept is not None
    assert kept.sealed_key is None


async def test_it_is_sealed_for_its_own_credential(scene: Scene) -> None:
    """What is put to another one does not open."""
    mine, _ = await added(scene)
    other, _ = await added(scene)
    await scene.world.store.write(lambda tx: tx.put(replace(other, sealed_key=mine.sealed_key)))
    with pytest.raises(Unavailable):
        await opened(scene.world, other.id)


async def test_it_comes_under_a_new_key_encryption_key(scene: Scene) -> None:
    """Afterwards the new one alone opens it."""
    credential, token = await added(scene)
    await rewrap(under(scene.world, key(0), key(1)))
    alone = under(scene.world, key(1))
    assert await opened(alone, credential.id) == token


async def test_it_goes_where_its_organization_goes(scene: Scene, tmp_path: Path) -> None:
    """And opens there, under that server's key."""
    credential, token = await added(scene)
    here, there = await sides(scene, tmp_path)
    data = await here.export(scene.principal.organization_id, there)
    await there.take(data, signer=here.signer)
    assert await opened(there.world, credential.id) == token
