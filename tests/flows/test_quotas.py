"""Quotas: how much of anything an organization may have."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child
from tests.worlds import dump, with_bounds
from valetkey.core.credential import CredentialKind
from valetkey.core.errors import Code, Forbidden, Limited, Malformed, NotFound
from valetkey.core.organization import User
from valetkey.core.quota import OpenMark, Quota
from valetkey.flows import credentials, open_session, organize, quotas, stop

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.principal import Principal
    from valetkey.core.quota import Used
    from valetkey.flows.open_session import Opened
    from valetkey.flows.world import World


async def used(scene: Scene, who: Principal | None = None) -> dict[Quota, tuple[int, int]]:
    """Return what is in use, and the limit, by quota."""
    who = who or scene.principal
    found = await quotas.usage(scene.world, scene.world.bounds, who, key=who.organization_id)
    return {one.quota: (one.current, one.limit) for one in found}


async def user(scene: Scene, who: Principal | None = None) -> User:
    """Return a new user."""
    return await organize.add_user(
        scene.world, who or scene.principal, scene.request(), reference="u"
    )


async def session(scene: Scene, ttl_s: int = 3600) -> Opened:
    """Return a session that reads, just opened."""
    command = scene.command(None, expires_at=scene.clock.now() + ttl_s)
    return await open_session.open_session(scene.world, scene.principal, scene.request(), command)


async def lower(scene: Scene, who: Principal, organization_id: str, limit: int) -> Used:
    """Return the quota of users, as *who* wants it."""
    return await quotas.set_quota(
        scene.world,
        who,
        scene.request(),
        organization_id=organization_id,
        quota=Quota.USERS,
        limit=limit,
    )


async def test_each_thing_is_counted_and_bounded(stored: Scene) -> None:
    """One more is refused with limit and count, and nothing is written."""
    stored.with_bounds(users=2, wallets=1, credentials=2, sessions=1)

    async def credential() -> None:
        await credentials.add_credential(
            stored.world,
            stored.principal,
            stored.request(),
            kind=CredentialKind.PUBLISHABLE,
            label="",
            public_key=None,
        )

    await user(stored)
    await user(stored)
    await stored.wallet()
    await credential()
    await session(stored)
    before = await dump(stored.world)
    for quota, limit, asked in (
        (Quota.USERS, 2, user(stored)),
        (Quota.WALLETS, 1, stored.wallet()),
        (Quota.CREDENTIALS, 2, credential()),
        (Quota.SESSIONS, 1, session(stored)),
    ):
        with pytest.raises(Limited) as refused:
            await asked
        assert refused.value.code is Code.QUOTA_EXCEEDED
        assert refused.value.facts == {"quota": quota.value, "limit": limit, "current": limit}
    after = await dump(stored.world)
    assert after == before
    assert await used(stored) == {
        Quota.SESSIONS: (1, 1),
        Quota.USERS: (2, 2),
        Quota.WALLETS: (1, 1),
        Quota.CREDENTIALS: (2, 2),
        Quota.WEBHOOKS: (0, 16),
        Quota.SPONSORSHIPS: (0, 1000),
        Quota.ACTIVITIES_PER_DAY: (6, 1_000_000),
    }


async def test_the_same_request_counts_once(scene: Scene) -> None:
    """Repeating is not adding."""
    request = scene.request()
    for _ in range(3):
        await organize.add_user(scene.world, scene.principal, request, reference="u")
    assert (await used(scene))[Quota.USERS][0] == 1


async def test_a_revoked_credential_counts_no_longer(scene: Scene) -> None:
    """Once, however often it is revoked."""
    made, _ = await credentials.add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=CredentialKind.SECRET,
        label="",
        public_key=None,
    )
    assert (await used(scene))[Quota.CREDENTIALS][0] == 2
    for _ in range(2):
        await credentials.revoke_credential(
            scene.world, scene.principal, scene.request(), credential_id=made.id
        )
    assert (await used(scene))[Quota.CREDENTIALS][0] == 1


async def test_a_session_counts_until_it_ends(stored: Scene) -> None:
    """By a stop at once, once; by its time when the next one is opened."""
    stored.with_bounds(sessions=2)
    first, _ = await session(stored, ttl_s=60), await session(stored, ttl_s=600)
    with pytest.raises(Limited):
        await session(stored)
    for _ in range(2):
        await stop.revoke(
            stored.world, stored.principal, stored.request(), session_id=first.session.id
        )
    assert (await used(stored))[Quota.SESSIONS] == (1, 2)
    await session(stored, ttl_s=60)
    with pytest.raises(Limited):
        await session(stored)
    stored.clock.advance(60)
    last = await session(stored, ttl_s=600)
    with pytest.raises(Limited):
        await session(stored)
    stored.clock.advance(600)
    await stop.revoke(stored.world, stored.principal, stored.request(), session_id=last.session.id)
    await session(stored, ttl_s=60)
    assert (await used(stored))[Quota.SESSIONS] == (1, 2)
    marks = await stored.world.store.read(lambda view: view.find(OpenMark))
    assert len(marks) == 1


async def test_many_at_once_are_counted(stored: Scene) -> None:
    """Of ten that add at the same time as many do as there is room for; two worlds, one store."""
    stored.with_bounds(users=4)
    other: World = with_bounds(stored.world)
    asked = [
        organize.add_user(world, stored.principal, stored.request(), reference="u")
        for world in (stored.world, other) * 5
    ]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Limited) for one in made) == 6
    assert len(await stored.world.store.read(lambda view: view.find(User))) == 4


async def test_those_above_let_one_below_have_less(scene: Scene) -> None:
    """Down to nothing, and up again to what the operator allows; what is there stays."""
    child = await make_child(scene)
    below = child.organization.id
    await user(scene, child.principal)
    told = await lower(scene, scene.principal, below, 0)
    assert (told.limit, told.current) == (0, 1)
    with pytest.raises(Limited):
        await user(scene, child.principal)
    assert (await used(scene, child.principal))[Quota.USERS] == (1, 0)
    await lower(scene, scene.principal, below, 2)
    await user(scene, child.principal)
    await user(scene)  # one above has its own
    scene.with_bounds(users=1)
    assert (await used(scene, child.principal))[Quota.USERS] == (2, 1)
    for limit in (-1, 2):
        with pytest.raises(Malformed):
            await lower(scene, scene.principal, below, limit)


async def test_nobody_raises_their_own_quota(scene: Scene) -> None:
    """Nor one in between what one further above has set; nor does a stranger learn of it."""
    child = await make_child(scene)
    grandchild = await make_child(scene, who=child.principal)
    key = grandchild.organization.id
    await lower(scene, scene.principal, key, 3)
    await lower(scene, child.principal, key, 2)
    before = await dump(scene.world)
    for who, organization_id, error in (
        (child.principal, key, Forbidden),
        (grandchild.principal, key, Forbidden),
        (scene.principal, scene.founded.organization.id, Forbidden),
        (grandchild.principal, child.organization.id, NotFound),
    ):
        with pytest.raises(error):
            await lower(scene, who, organization_id, 4)
    assert await dump(scene.world) == before
    assert (await lower(scene, scene.principal, key, 4)).limit == 4
