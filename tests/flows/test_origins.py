"""Whose pages may have a publishable key in a frame, its organization says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.flows.test_credential_keys import added
from tests.worlds import dump, make_organization
from valetkey.core.credential import CredentialKind
from valetkey.core.errors import Conflict, Forbidden, Malformed, NotFound
from valetkey.core.surface import Surface
from valetkey.flows.credentials import revoke_credential
from valetkey.flows.origins import MAX_ORIGINS, set_origins

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.credential import Credential

PAGE: Final = "https://app.example"


async def wanted(scene: Scene, credential: Credential, *origins: str) -> Credential:
    """Return the credential for pages of these origins."""
    asked = (scene.world, scene.principal, scene.request())
    return await set_origins(*asked, credential_id=credential.id, origins=origins)


async def test_the_list_is_the_one_that_was_said_last(scene: Scene) -> None:
    """Each origin once, in their order; none is no page. The same request changes nothing more."""
    credential, _ = await added(scene, CredentialKind.PUBLISHABLE)
    assert credential.origins == ()
    said = await wanted(scene, credential, "http://localhost:*", PAGE, PAGE)
    assert said.origins == ("http://localhost:*", PAGE)
    request = scene.request()
    asked = (scene.world, scene.principal, request)
    first = await set_origins(*asked, credential_id=credential.id, origins=[PAGE])
    before = await dump(scene.world)
    assert await set_origins(*asked, credential_id=credential.id, origins=[PAGE]) == first
    assert await dump(scene.world) == before
    assert (await wanted(scene, credential)).origins == ()


@pytest.mark.parametrize(
    "origins",
    [
        ["*"],
        ["https://*.example"],
        [f"{PAGE}/"],
        ["http://evil:*"],
        ["app.example"],
        [PAGE, ""],
        [f"https://a{number}.example" for number in range(MAX_ORIGINS + 1)],
    ],
)
async def test_what_is_no_origin_is_refused(scene: Scene, origins: list[str]) -> None:
    """A page cannot be let in by a pattern that somebody else fits."""
    credential, _ = await added(scene, CredentialKind.PUBLISHABLE)
    before = await dump(scene.world)
    with pytest.raises(Malformed, match="origins: expected"):
        await wanted(scene, credential, *origins)
    assert await dump(scene.world) == before


@pytest.mark.parametrize(
    ("kind", "surface"),
    [
        (CredentialKind.SECRET, Surface.OPENFORT),
        (CredentialKind.PUBLISHABLE, Surface.NATIVE),
        (CredentialKind.PUBLISHABLE, Surface.PARA),
    ],
)
async def test_only_a_publishable_key_of_a_surface_with_frames_has_some(
    scene: Scene, kind: CredentialKind, surface: Surface
) -> None:
    """Of others nothing would be held to it."""
    credential, _ = await added(scene, kind, surface)
    with pytest.raises(Conflict, match="expected a publishable key of surface openfort"):
        await wanted(scene, credential, PAGE)


async def test_one_that_is_revoked_gets_none(scene: Scene) -> None:
    """It is in nobody's frame."""
    credential, _ = await added(scene, CredentialKind.PUBLISHABLE)
    asked = (scene.world, scene.principal, scene.request())
    await revoke_credential(*asked, credential_id=credential.id)
    with pytest.raises(Conflict):
        await wanted(scene, credential, PAGE)


async def test_nobody_else_says_it(scene: Scene) -> None:
    """Neither another organization nor a key without the scope; nothing is changed."""
    credential, _ = await added(scene, CredentialKind.PUBLISHABLE)
    stranger = (await make_organization(scene.world)).principal
    lesser = scene.principal._replace(scopes=frozenset())
    before = await dump(scene.world)
    for principal, kind in ((stranger, NotFound), (lesser, Forbidden)):
        asked = (scene.world, principal, scene.request())
        with pytest.raises(kind):
            await set_origins(*asked, credential_id=credential.id, origins=[PAGE])
    assert await dump(scene.world) == before
