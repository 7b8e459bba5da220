"""How many organizations stand below a first one: each spends the operator's money."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child, make_stranger
from tests.worlds import dump, principal_of
from valetkey.core.errors import Code, Limited
from valetkey.flows import organize, reads

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
