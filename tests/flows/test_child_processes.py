"""Two processes over one file: they share no memory, and no budget is spent twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.scene import CAP, Scene, make_scene
from tests.flows.tree import ask_child, open_child
from tests.flows.truth import check_books
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.errors import Forbidden, Limited
from valetkey.core.session import Proof, State
from valetkey.flows import freeze, lists, open_session, stop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Scene, Scene]]:
    """Give one scene as two processes see it, each with connections of its own."""
    stores = [SqliteStore(tmp_path / "store.db") for _ in range(2)]
    for store in stores:
        await store.open()
    one = await make_scene(store=stores[0])
    other = replace(one, world=replace(one.world, store=stores[1]))
    yield one, other
    await check_books(one.world)
    await one.chain.close()
    one.rpc.close()
    for store in stores:
        await store.close()


async def test_children_in_two_processes_spend_a_budget_once(pair: tuple[Scene, Scene]) -> None:
    """Each of them asks for all of it, many times at once."""
    one, other = pair
    root = await one.open(await one.wallet())
    children = [await open_child(scene, root) for scene in pair for _ in range(2)]
    asked = [
        scene.run(held, scene.transfer(CAP // 5)) for held in (*children, root) for scene in pair
    ]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(run, Forbidden) for run in made) == 5
    assert await one.moved() == CAP
    assert other.world.store is not one.world.store


async def test_a_bound_on_children_holds_for_two_processes(pair: tuple[Scene, Scene]) -> None:
    """The count is in the transaction that opens."""
    one, other = pair
    root = await one.open(await one.wallet())
    for scene in pair:
        scene.with_bounds(session_children=4)
    command = one.command(None, proof=Proof.BEARER)
    asked = [ask_child(scene, root.id, command, who=root.principal) for scene in (one, other) * 4]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(child, Limited) for child in made) == 4


@pytest.mark.parametrize("how", ["freeze", "revoke"])
async def test_a_stop_in_one_process_stops_what_the_other_opens_and_runs(
    pair: tuple[Scene, Scene], how: str
) -> None:
    """Whatever the order: nothing below is in use afterwards, and nothing runs."""
    one, other = pair
    root = await one.open(await one.wallet())
    child = await open_child(one, root)
    command = one.command(None, proof=Proof.BEARER)
    act = freeze.freeze if how == "freeze" else stop.revoke
    opens = [ask_child(one, root.id, command, who=root.principal) for _ in range(4)]
    runs = [one.run(child, one.transfer(1)) for _ in range(2)]
    stopping = act(other.world, other.principal, other.request(), session_id=root.id)
    made = await asyncio.gather(*opens[:2], *runs, stopping, *opens[2:], return_exceptions=True)
    assert all(not isinstance(end, BaseException) or isinstance(end, Forbidden) for end in made)
    found, _ = await lists.sessions(
        other.world,
        other.principal,
        organization_id=other.founded.organization.id,
        which=lists.WhichSessions(parent_id=root.id),
    )
    ended = State.FROZEN if how == "freeze" else State.REVOKED
    assert {shown.state for shown in found} == {ended}
    for scene in pair:
        with pytest.raises(Forbidden):
            await scene.run(child, scene.transfer(1))


async def test_a_quota_holds_for_two_processes(pair: tuple[Scene, Scene]) -> None:
    """Ten sessions are asked for at once, five in each; as many are opened as there is room for."""
    for scene in pair:
        scene.with_bounds(sessions=3)
    asked = [
        open_session.open_session(
            scene.world, scene.principal, scene.request(), scene.command(None, proof=Proof.BEARER)
        )
        for scene in pair * 5
    ]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Limited) for one in made) == 7
