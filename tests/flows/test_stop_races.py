"""Two processes stop the same things at once: each is killed once, and each account leaves once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.flows.looks import again, fund_line, stage
from tests.flows.test_undelegate import code_of, leave
from tests.worlds import SeededEntropy
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.session import Proof, Watch
from valetkey.core.sponsorship import Fund
from valetkey.flows import stop
from valetkey.flows.reconcile import reconcile
from valetkey.flows.watch import look_at_sessions

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.flows.world import World


def processes(scene: Scene) -> list[World]:
    """Return three processes on one store and one chain."""
    return [replace(scene.world, entropy=SeededEntropy(100 + number)) for number in range(3)]


async def ends_of(scene: Scene, held: Held) -> list[Activity]:
    """Return what was brought to the chain to end a session."""
    found = await scene.world.store.read(
        lambda view: view.find(Activity, session_id=held.id, limit=1000)
    )
    return [one for one in found if one.kind == "session:revoke" and one.attempts]


async def test_an_undelegation_is_carried_by_all_and_happens_once(stored: Scene) -> None:
    """Kills, signature and sending: whoever is first, the others find it done."""
    holding = await stored.wallet()
    held = [await stored.open(holding, proof=Proof.CHAIN) for _ in range(3)]
    stored.with_bounds(wait_s=0)
    left = await leave(stored, holding)
    for _ in range(4):
        await asyncio.gather(*(reconcile(world) for world in processes(stored)))
    assert (await again(stored, left.activity)).state is ActivityState.DONE
    assert await code_of(stored, holding) is None
    for one in held:
        assert await stage(stored, one) is GrantStage.REVOKED
        assert len(await ends_of(stored, one)) == 1
    assert await stored.chain.transaction_count(holding.account.address) == 2


async def test_two_undelegations_at_once_leave_one(stored: Scene) -> None:
    """One takes the other's place, and the account leaves once."""
    holding = await stored.wallet()
    held = await stored.open(holding)
    ended = await asyncio.gather(
        *(leave(replace(stored, world=world), holding) for world in processes(stored)),
        return_exceptions=True,
    )
    for _ in range(3):
        await reconcile(stored.world)
    assert any(not isinstance(one, BaseException) for one in ended)
    assert await code_of(stored, holding) is None
    assert len(await ends_of(stored, held)) == 1
    await reconcile(stored.world)
    found = await stored.world.store.read(lambda view: view.find(Activity, settled=0))
    assert found == []


async def test_a_kill_that_failed_is_tried_again_once_by_all_together(stored: Scene) -> None:
    """However many look at the session in the same round: each try costs somebody's money."""
    stored.with_bounds(watch_s=10)
    held = await stored.open(await stored.wallet())
    await stored.run(held, stored.transfer(1))
    line = await fund_line(stored, Fund.STOPS)
    await stored.world.store.write(lambda tx: tx.put(replace(line, limit=0)))
    await stop.revoke(stored.world, stored.principal, stored.request(), session_id=held.id)
    for tries in range(1, 4):
        stored.clock.advance(stored.world.bounds.watch_s << tries)
        await asyncio.gather(*(look_at_sessions(world) for world in processes(stored)))
        waiting = await stored.world.store.read(lambda view: view.find(Activity, settled=0))
        assert len(waiting) == 1
        await asyncio.gather(*(reconcile(world) for world in processes(stored)))
        watched = await stored.world.store.read(lambda view: view.find(Watch, session_id=held.id))
        assert len(watched) == 1
