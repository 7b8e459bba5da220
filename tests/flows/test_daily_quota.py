"""The quota of activities in a day: it refuses what gives power, and never what takes it away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child
from tests.flows.holders import as_holder
from tests.worlds import dump, with_bounds
from valetkey.core.activity import Activity
from valetkey.core.credential import CredentialKind
from valetkey.core.errors import Code, Limited
from valetkey.core.quota import Quota, Tally, day_of, tally_id
from valetkey.core.scope import Role, Standing
from valetkey.flows import credentials, freeze, open_session, organize, quotas, stop
from valetkey.flows.stop import Scope

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.principal import Principal
    from valetkey.core.quota import Used
    from valetkey.flows.open_session import Opened

DAY_S = 86_400


async def today(scene: Scene, who: Principal | None = None) -> Used:
    """Return what the organization did today, and may do."""
    who = who or scene.principal
    found = await quotas.usage(scene.world, scene.world.bounds, who, key=who.organization_id)
    (used,) = [one for one in found if one.quota is Quota.ACTIVITIES_PER_DAY]
    return used


async def user(scene: Scene, who: Principal | None = None) -> None:
    """Make one activity."""
    await organize.add_user(scene.world, who or scene.principal, scene.request(), reference="u")


async def reader(scene: Scene) -> Opened:
    """Return a session that reads, just opened."""
    return await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(None)
    )


async def test_a_day_has_so_many_activities_and_the_next_as_many_again(stored: Scene) -> None:
    """Refused with the second that it begins, nothing written; one row of counting in all."""
    stored.with_bounds(activities_per_day=2)
    start = day_of(stored.clock.now())
    stored.clock.advance(start + DAY_S - 1 - stored.clock.now())
    await user(stored)
    await user(stored)
    before = await dump(stored.world)
    with pytest.raises(Limited, match=f"begins at {start + DAY_S}") as refused:
        await user(stored)
    assert refused.value.code is Code.QUOTA_EXCEEDED
    assert refused.value.facts == {
        "quota": "activities_per_day",
        "limit": 2,
        "current": 2,
        "resets_at": start + DAY_S,
    }
    assert await dump(stored.world) == before
    assert (await today(stored)).resets_at == start + DAY_S
    stored.clock.advance(1)
    assert (await today(stored)).current == 0
    await user(stored)
    used = await today(stored)
    assert (used.current, used.limit, used.resets_at) == (1, 2, start + 2 * DAY_S)
    key = tally_id(stored.principal.organization_id, Quota.ACTIVITIES_PER_DAY)
    tally = await stored.world.store.read(lambda view: view.get(Tally, key))
    assert tally is not None
    assert tally.day_at == start + DAY_S


async def test_every_activity_is_counted_once(scene: Scene) -> None:
    """As many as the log of activities holds, stops apart; a repeated request is one."""
    held = await scene.open(await scene.wallet())
    await scene.run(held, scene.transfer(1))
    request = scene.request()
    for _ in range(3):
        await organize.add_user(scene.world, scene.principal, request, reference="u")
    made = await scene.world.store.read(lambda view: len(view.find(Activity)))
    assert (await today(scene)).current == made > 4
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.session.id)
    assert (await today(scene)).current == made


async def test_a_run_is_refused_where_the_day_is_used_up(scene: Scene) -> None:
    """Before anything is booked: its nonce, its budget and its gas stay free."""
    held = await scene.open(await scene.wallet())
    scene.with_bounds(activities_per_day=(await today(scene)).current)
    before = await dump(scene.world)
    with pytest.raises(Limited) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.QUOTA_EXCEEDED
    assert await dump(scene.world) == before


async def test_no_stop_is_ever_refused_by_it(stored: Scene) -> None:
    """Each kind of stop, with nothing left of the day, and none of them counted."""
    world, who = stored.world, stored.principal
    frozen, one, closed, rest = [await reader(stored) for _ in range(4)]
    key = closed.session
    holder = as_holder(key)
    added, _ = await credentials.add_credential(
        world, who, stored.request(), kind=CredentialKind.SECRET, label="", public_key=None
    )
    stored.with_bounds(activities_per_day=0)
    world = stored.world
    with pytest.raises(Limited):
        await user(stored)
    before = (await today(stored)).current
    await freeze.freeze(world, who, stored.request(), session_id=frozen.session.id)
    with pytest.raises(Limited):
        await freeze.unfreeze(world, who, stored.request(), session_id=frozen.session.id)
    await stop.revoke(world, who, stored.request(), session_id=one.session.id)
    await stop.close(world, holder, stored.request())
    await credentials.set_role(
        world, who, stored.request(), credential_id=added.id, standing=Standing(Role.AUDITOR)
    )
    await credentials.revoke_credential(world, who, stored.request(), credential_id=added.id)
    owner = who.organization_id
    ended = await stop.revoke_all(
        world, who, stored.request(), scope=Scope.ORGANIZATION, scope_id=owner
    )
    assert {one.session.id for one in ended} == {frozen.session.id, rest.session.id}
    assert (await today(stored)).current == before


async def test_many_at_once_are_counted(stored: Scene) -> None:
    """Of ten at the same time as many happen as there is room for; two worlds, one store."""
    stored.with_bounds(activities_per_day=4)
    other = with_bounds(stored.world)
    asked = [
        organize.add_user(world, stored.principal, stored.request(), reference="u")
        for world in (stored.world, other) * 5
    ]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Limited) for one in made) == 6
    assert len(await stored.world.store.read(lambda view: view.find(Activity))) == 4


async def test_each_organization_has_its_own_day(scene: Scene) -> None:
    """Those above let one below do less, which they do not pay for; it uses up nobody else's."""
    child = await make_child(scene)
    before = (await today(scene)).current
    used = await quotas.set_quota(
        scene.world,
        scene.principal,
        scene.request(),
        organization_id=child.organization.id,
        quota=Quota.ACTIVITIES_PER_DAY,
        limit=1,
    )
    assert (used.limit, used.current) == (1, 0)
    await user(scene, child.principal)
    with pytest.raises(Limited):
        await user(scene, child.principal)
    assert (await today(scene)).current == before
    await user(scene)
