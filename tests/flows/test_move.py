"""An organization goes from one server to another, and acts on one of them at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.movers import content, sides
from tests.worlds import dump
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.activity import ActivityState, NonceLine, SeenNonce
from valetkey.core.alert import Refusals, Told
from valetkey.core.errors import Code, Conflict, Forbidden
from valetkey.core.hand_off import HandOff
from valetkey.core.quota import ExecutionMark
from valetkey.core.review import Review
from valetkey.core.send_line import SendLine
from valetkey.core.session import Proof, State
from valetkey.core.sponsorship import Payer
from valetkey.core.ticket import Ticket
from valetkey.core.visit import Visit
from valetkey.core.webhook import Turn, Webhook
from valetkey.flows import organize, stop, webhooks
from valetkey.flows.move import MOVED, gather, leave, stay
from valetkey.flows.reconcile import reconcile
from valetkey.ports import INDEXES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.scene import Held, Scene

# What stays behind, and why.
LEFT_BEHIND = {
    NonceLine: "of the server's own keys",
    Payer: "the server's own keys",
    SendLine: "good for two minutes, in which the organization signs nothing",
    SeenNonce: "good for a minute; a write that comes again finds its activity",
    Ticket: "good for half a minute, at the server that gave it",
    Told: "who was told of what: an alert may come once more",
    Refusals: "counts of the last minutes",
    Turn: "made anew from what waits",
    ExecutionMark: "nothing moves while anything waits for its signature",
    HandOff: "good for minutes, at the server that gave it",
    Review: "it is asked for again, at the other server",
    Visit: "its client comes again, and logs in at the other server",
}


async def fill(scene: Scene) -> Held:
    """Give the organization something of everything, and return a session that binds nobody."""
    holding = await scene.wallet()
    await scene.open(holding)
    free = await scene.open(holding, proof=Proof.CHAIN)
    await scene.run(free, scene.transfer(1))
    await webhooks.add_webhook(
        scene.world,
        scene.principal,
        scene.request(),
        url="https://shop.example/hook",
        events=("user:added",),
        label="",
    )
    await organize.add_user(scene.world, scene.principal, scene.request(), reference="ann")
    await organize.open_organization(scene.world, scene.principal, scene.request(), name="below")
    return free


def test_every_kind_is_moved_or_stays_for_a_reason() -> None:
    """A new kind of entity is thought of, or this fails."""
    assert set(MOVED) | LEFT_BEHIND.keys() == INDEXES.keys()
    assert not set(MOVED) & LEFT_BEHIND.keys()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_it_acts_there_and_no_more_here(scene: Scene, tmp_path: Path, kind: str) -> None:
    """Runs, kill notes and keys of owners work on the other server, whatever store it has."""
    store = SqliteStore(tmp_path / "store.db") if kind == "sqlite" else None
    if store is not None:
        await store.open()
    free = await fill(scene)
    here, there = await sides(scene, tmp_path, store)
    taken = await there.take(
        await here.export(scene.principal.organization_id, there), signer=here.signer
    )
    assert (taken.id, taken.moved_at) == (scene.principal.organization_id, None)
    with pytest.raises(Forbidden) as refused:
        await scene.run(free, scene.transfer(1))
    assert refused.value.code is Code.ORGANIZATION_MOVED
    with pytest.raises(Forbidden):
        await scene.open(free.holding)
    scene.world = there.world
    ran = await scene.run(free, scene.transfer(1))
    # Its gas is paid by the other server's relayer, which has nothing on this chain yet.
    assert ran.outcome is not None
    assert ran.outcome.code == Code.SPONSORSHIP_EXCEEDED
    assert (await scene.open(free.holding)).session.state is State.OPEN
    stopped = await stop.revoke(
        scene.world, scene.principal, scene.request(), session_id=free.session.id
    )
    assert stopped.session.state is State.REVOKED
    scene.world = here.world
    if store is not None:
        await store.close()


async def test_what_comes_back_out_is_what_went_in(scene: Scene, tmp_path: Path) -> None:
    """Exported, imported, exported: the same of every kind, the whole log among it."""
    await fill(scene)
    organization_id = scene.principal.organization_id
    here, there = await sides(scene, tmp_path)
    data = await here.export(organization_id, there)
    before = await gather(here.world, organization_id)
    await there.take(data, signer=here.signer)
    with pytest.raises(Conflict, match="it stays"):
        await gather(there.world, organization_id)
    await leave(there.world, organization_id, import_key=bytes(32))
    after = await gather(there.world, organization_id)
    assert content(after) == content(before)
    assert all(content(before)[name] for name in ("Session", "SealedKey", "Delivery", "Waiting"))


async def test_it_leaves_for_one_server_alone(scene: Scene, tmp_path: Path) -> None:
    """Sealed for a second one as well, it would act, and spend, on both."""
    await fill(scene)
    organization_id = scene.principal.organization_id
    here, there = await sides(scene, tmp_path)
    await here.export(organization_id, there)
    before = await dump(scene.world)
    with pytest.raises(Conflict, match="that it left for, got another"):
        await leave(scene.world, organization_id, import_key=b"\x01" * 32)
    assert await dump(scene.world) == before
    assert await here.export(organization_id, there)  # lost on the way: the same again
    await stay(scene.world, organization_id)
    assert await leave(scene.world, organization_id, import_key=b"\x01" * 32)


async def test_nothing_leaves_while_something_is_on_its_way(scene: Scene, tmp_path: Path) -> None:
    """It is told what; the server settles it, though nothing new is taken, and then it leaves."""
    free = await fill(scene)
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - the node's own words
    scene.with_bounds(wait_s=0)
    waiting = await scene.run(free, scene.transfer(1))
    assert waiting.state is ActivityState.SENDING
    here, there = await sides(scene, tmp_path)
    with pytest.raises(Conflict, match=waiting.id):
        await here.export(scene.principal.organization_id, there)
    with pytest.raises(Forbidden):
        await scene.run(free, scene.transfer(1))
    scene.rpc.ask("evm_mine")
    await reconcile(scene.world)
    assert await here.export(scene.principal.organization_id, there)


async def test_it_may_stay_after_all(scene: Scene, tmp_path: Path) -> None:
    """Taken back before anybody took it: everything acts again, and webhooks are told."""
    free = await fill(scene)
    organization_id = scene.principal.organization_id
    here, there = await sides(scene, tmp_path)
    with pytest.raises(Conflict, match="it is here"):
        await stay(scene.world, organization_id)
    await here.export(organization_id, there)
    hooks, turns = await scene.world.store.read(lambda view: (view.find(Webhook), view.find(Turn)))
    assert (len(hooks), turns) == (1, [])
    await stay(scene.world, organization_id)
    assert (await scene.run(free, scene.transfer(1))).state is ActivityState.DONE
    assert len(await scene.world.store.read(lambda view: view.find(Turn))) == 1


async def test_an_organization_below_another_goes_with_it(scene: Scene) -> None:
    """Alone it does not: the one above would go on reaching it here."""
    child, _ = await organize.open_organization(
        scene.world, scene.principal, scene.request(), name="below"
    )
    with pytest.raises(Conflict, match="they move together"):
        await leave(scene.world, child.id, import_key=bytes(32))
    gone = await leave(scene.world, scene.principal.organization_id, import_key=bytes(32))
    assert {one.id for one in gone} == {child.id, scene.principal.organization_id}
    below = scene.principal._replace(organization_id=child.id)
    with pytest.raises(Forbidden):
        await organize.add_user(scene.world, below, scene.request(), reference="bob")
