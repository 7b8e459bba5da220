"""Another key pays for gas: sessions of before keep working, and nothing is stranded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.scene import make_scene
from tests.worlds import CHAIN, RELAYER_WEI
from valetkey.adapters.store.memory import MemoryStore
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import Code, Conflict, NotFound
from valetkey.core.session import Proof, Session, State
from valetkey.core.sponsorship import Fund, Payer, PayerState, payer_id
from valetkey.devchain import fund as give
from valetkey.flows import change_payer, stop
from valetkey.flows.change_payer import (
    needed,
    prepare_payer,
    retire_payer,
    sweep,
    switch_payer,
)
from valetkey.flows.payers import Known, Payers, load_payers
from valetkey.flows.reconcile import reconcile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.scene import Scene
    from valetkey.flows.world import World
    from valetkey.ports import T, Tx, View


async def keep(scene: Scene) -> None:
    """Write the payers of *scene* down, as a server's are."""
    known = [scene.world.payers.current(fund) for fund in Fund]

    def body(tx: Tx) -> None:
        for one in known:
            tx.put(one.key)
            tx.put(one.payer)

    await scene.world.store.write(body)


async def another_process(scene: Scene) -> World:
    """Return a world on the same store that knows what it knows now, and no more."""
    return replace(scene.world, payers=Payers(await load_payers(scene.world.store)))


async def change(scene: Scene, fund: Fund = Fund.RUNS) -> bytes:
    """Change the payer of *fund*, and return the address of the one before."""
    before = scene.world.payers.current(fund).address
    payer = await prepare_payer(scene.world, fund)
    give(scene.rpc, scene.deployment, bytes.fromhex(payer.id[2:]), RELAYER_WEI)
    await switch_payer(scene.world, fund)
    return before


def sender(activity: Activity) -> bytes:
    """Return who has brought *activity* to the chain."""
    assert activity.state is ActivityState.DONE
    return activity.attempts[-1].transaction.sender


async def test_bound_sessions_stay_with_the_old_relayer_and_others_move(stored: Scene) -> None:
    """The address is in their grant; what binds none, and what is new, comes from the new one."""
    await keep(stored)
    holding = await stored.wallet()
    bound = await stored.open(holding)
    free = await stored.open(holding, proof=Proof.CHAIN)
    old = await change(stored)
    new = stored.world.relayer_address
    assert new != old
    fresh = await stored.open(holding)
    call = stored.transfer(1)
    assert sender(await stored.run(bound, call)) == old
    assert sender(await stored.run(free, call)) == new
    assert sender(await stored.run(fresh, call)) == new
    assert fresh.session.permission is not None
    assert fresh.session.permission.relayer == new


async def test_a_server_that_did_not_hear_of_it_follows(stored: Scene) -> None:
    """It opens no session for the old relayer, and its next round knows the new one."""
    await keep(stored)
    holding = await stored.wallet()
    stale = await another_process(stored)
    await change(stored)
    mine, stored.world = stored.world, stale
    opened = await stored.open(holding)
    assert opened.session.permission is not None
    assert opened.session.permission.relayer == mine.relayer_address
    stale = replace(stale, payers=Payers([*map(as_current, await load_payers(stale.store))]))
    await reconcile(stale)
    assert stale.relayer_address == mine.relayer_address


def as_current(known: Known) -> Known:
    """Return what a server believes that has not looked for long."""
    is_former = known.payer.state is PayerState.FORMER
    state = PayerState.CURRENT if is_former else PayerState.PREPARED
    return replace(known, payer=replace(known.payer, state=state)) if is_former else known


async def test_what_is_on_its_way_ends_in_its_own_line(scene: Scene) -> None:
    """A run that was sent before the change is mined after it, with the old nonce."""
    await keep(scene)
    holding = await scene.wallet()
    free = await scene.open(holding, proof=Proof.CHAIN)
    payer = await prepare_payer(scene.world, Fund.RUNS)
    give(scene.rpc, scene.deployment, bytes.fromhex(payer.id[2:]), RELAYER_WEI)
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - the node's own words
    scene.with_bounds(wait_s=0)
    old = scene.world.relayer_address
    waiting = await scene.run(free, scene.transfer(1))
    assert waiting.state is ActivityState.SENDING
    await switch_payer(scene.world, Fund.RUNS)
    with pytest.raises(Conflict, match="on their way"):
        await retire_payer(scene.world, old)
    scene.rpc.ask("evm_mine")
    await reconcile(scene.world)
    settled = await scene.world.store.read(lambda view: view.get(Activity, waiting.id))
    assert settled is not None
    assert sender(settled) == old
    assert (await retire_payer(scene.world, old)).state is PayerState.RETIRED


async def test_no_payer_is_put_in_use_without_money(scene: Scene) -> None:
    """It could pay for nothing; the refusal says where to send how much, and nothing changes."""
    await keep(scene)
    before = scene.world.relayer_address
    with pytest.raises(Conflict, match="that was prepared"):
        await switch_payer(scene.world, Fund.RUNS)
    payer = await prepare_payer(scene.world, Fund.RUNS)
    assert await prepare_payer(scene.world, Fund.RUNS) == payer
    with pytest.raises(Conflict, match=payer.id):
        await switch_payer(scene.world, Fund.RUNS)
    assert scene.world.relayer_address == before


async def test_a_payer_is_retired_when_nothing_needs_it(stored: Scene) -> None:
    """Not while it is in use, nor while a session binds it; its money goes to the one in use."""
    await keep(stored)
    held = await stored.open(await stored.wallet())
    current = stored.world.relayer_address
    with pytest.raises(Conflict, match="rotate first"):
        await retire_payer(stored.world, current)
    old = await change(stored)
    payer = await stored.world.store.read(lambda view: view.get(Payer, payer_id(old)))
    assert payer is not None
    assert (await needed(stored.world, payer)).sessions == (held.session.id,)
    with pytest.raises(Conflict, match=held.session.id):
        await retire_payer(stored.world, old)
    with pytest.raises(Conflict, match="retired"):
        await sweep(stored.world, old)
    stopped = await stop.revoke(
        stored.world, stored.principal, stored.request(), session_id=held.session.id
    )
    assert stopped.session.state is State.REVOKED
    for _ in range(2):  # saying it twice is no error
        assert (await retire_payer(stored.world, old)).state is PayerState.RETIRED
    new = stored.world.relayer_address
    had, has = await stored.chain.balance(old), await stored.chain.balance(new)
    (moved,) = await sweep(stored.world, old)
    assert moved.chain == CHAIN
    assert await stored.chain.balance(new) == has + moved.moved_wei
    assert had - moved.moved_wei > moved.left_wei == await stored.chain.balance(old)
    (again,) = await sweep(stored.world, old)
    assert again.moved_wei < had // 1000
    with pytest.raises(NotFound) as unknown:
        await retire_payer(stored.world, bytes(20))
    assert unknown.value.code is Code.NOT_FOUND


async def test_stops_move_to_the_new_stopper_at_once(scene: Scene) -> None:
    """Nothing on chain names a stopper: it is free to go as soon as its own are settled."""
    await keep(scene)
    held = await scene.open(await scene.wallet())
    old = await change(scene, Fund.STOPS)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.session.id)
    found = await scene.world.store.read(
        lambda view: view.find(Activity, session_id=held.session.id)
    )
    (stopped,) = (one for one in found if one.attempts)
    assert sender(stopped) == scene.world.stopper_address != old
    assert (await retire_payer(scene.world, old)).state is PayerState.RETIRED


async def test_of_two_changes_at_once_one_is_made(scene: Scene) -> None:
    """The other is told; one payer is in use."""
    await keep(scene)
    await change(scene)
    with pytest.raises(Conflict):
        await switch_payer(scene.world, Fund.RUNS)
    listed = await change_payer.list_payers(scene.world)
    states = [one.state for one in listed if one.fund is Fund.RUNS]
    assert sorted(states) == [PayerState.CURRENT, PayerState.FORMER]


class TurningStore(MemoryStore):
    """A store in which somebody freezes a session, and takes it back into use, between reads."""

    def __init__(self) -> None:
        super().__init__()
        self.turned: Session | None = None

    async def read(self, body: Callable[[View], T]) -> T:
        """Read, after the session has changed its state."""
        if self.turned is not None:
            is_open = self.turned.state is State.OPEN
            turned = replace(self.turned, state=State.FROZEN if is_open else State.OPEN)
            await self.write(lambda tx: tx.put(turned))
            self.turned = turned
        return await super().read(body)


@pytest.mark.parametrize("first", [State.OPEN, State.FROZEN])
async def test_a_session_that_changes_its_state_meanwhile_is_not_missed(first: State) -> None:
    """It is in use in either state: a relayer that is retired under it would leave it stuck."""
    store = TurningStore()
    await store.open()
    scene = await make_scene(store=store)
    await keep(scene)
    held = await scene.open(await scene.wallet())
    old = await change(scene)
    payer = await store.read(lambda view: view.get(Payer, payer_id(old)))
    assert payer is not None
    store.turned = replace(held.session, state=first)
    assert (await needed(scene.world, payer)).sessions == (held.id,)
