"""Organizations below others: how many there may be, and who reaches whom."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child, make_stranger
from tests.flows.looks import state
from tests.worlds import dump, principal_of
from valetkey.core.errors import Code, Forbidden, Limited, NotFound
from valetkey.core.organization import MAX_LEVELS
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import State
from valetkey.flows import freeze, gate, open_session, organize, reads, stop

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def test_organizations_below_a_first_one_are_bounded_at_any_depth(stored: Scene) -> None:
    """Each has funds of the operator's, so a grandchild counts as a child does."""
    stored.with_bounds(children=2)
    request = stored.request()
    child, token = await organize.open_organization(
        stored.world, stored.principal, request, name="Child"
    )
    below = await principal_of(stored.world, token or "")
    await organize.open_organization(stored.world, below, stored.request(), name="Grandchild")
    before = await dump(stored.world)
    for who in (stored.principal, below):
        with pytest.raises(Limited, match="at most 2 organizations") as refused:
            await organize.open_organization(stored.world, who, stored.request(), name="More")
        assert refused.value.code is Code.TOO_MANY_CHILDREN
    assert await dump(stored.world) == before
    again = await organize.open_organization(stored.world, stored.principal, request, name="Child")
    assert again == (child, None)
    stranger = await make_stranger(stored)
    await organize.open_organization(
        stored.world, stranger.principal, stored.request(), name="Elsewhere"
    )


async def test_children_that_are_opened_at_once_are_counted(stored: Scene) -> None:
    """The count is in the transaction that opens: of ten at the same time three are made."""
    stored.with_bounds(children=3)
    asked = [
        organize.open_organization(stored.world, stored.principal, stored.request(), name="Child")
        for _ in range(10)
    ]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Limited) for one in made) == 7
    assert len(await reads.children(stored.world, stored.principal)) == 3


async def test_nobody_opens_a_child_where_the_operator_allows_none(scene: Scene) -> None:
    """0 is a bound like any other."""
    scene.with_bounds(children=0)
    with pytest.raises(Limited):
        await make_child(scene)


async def test_organizations_stand_below_each_other_so_deep_and_no_deeper(scene: Scene) -> None:
    """Whoever is reached is found by walking up, and that walk has an end."""
    who = scene.principal
    for _ in range(MAX_LEVELS):
        who = (await make_child(scene, who=who)).principal
    before = await dump(scene.world)
    with pytest.raises(Limited, match="at most 8 levels") as refused:
        await make_child(scene, who=who)
    assert refused.value.code is Code.TOO_MANY_CHILDREN
    assert await dump(scene.world) == before
    found = await reads.organization(scene.world, scene.principal, key=who.organization_id)
    assert found.id == who.organization_id


async def test_those_above_read_and_reduce_at_any_depth(scene: Scene) -> None:
    """A grandparent reads a child of its child and stops its sessions; it gives no power there."""
    child = await make_child(scene)
    grandchild = await make_child(scene, who=child.principal)
    command = scene.command(None)
    opened = await open_session.open_session(
        scene.world, grandchild.principal, scene.request(), command
    )
    key = opened.session.id
    assert (await reads.session(scene.world, scene.principal, session_id=key)).session.id == key
    await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=key)
    with pytest.raises(Forbidden, match="does not give power"):
        await freeze.unfreeze(scene.world, scene.principal, scene.request(), session_id=key)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=key)
    assert await state(scene, key) is State.REVOKED


async def test_nobody_reaches_up_or_across(scene: Scene) -> None:
    """A child does not reach its parent, nor its parent's other children; sessions reach nobody."""
    one, other = await make_child(scene), await make_child(scene)
    below = await make_child(scene, who=one.principal)
    session = scene.principal._replace(kind=PrincipalKind.SESSION)
    strangers = [(below, one), (one, other), (other, below), (await make_stranger(scene), below)]
    pairs = [(who.principal, whom.organization.id) for who, whom in strangers]
    for who, whom in [*pairs, (one.principal, scene.founded.organization.id)]:
        with pytest.raises(NotFound):
            await reads.organization(scene.world, who, key=whom)
    with pytest.raises(NotFound):
        await scene.world.store.read(
            lambda view: gate.expect_reach(view, session, below.organization.id, "wallet")
        )
