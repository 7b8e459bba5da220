"""A kill note that failed is brought to the chain again, by itself and not for ever."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.flows.looks import fund_line, stage
from tests.flows.scene import ALICE, HOUR_S, USDC
from tests.flows.truth import every
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.session import Proof
from valetkey.core.sponsorship import Fund
from valetkey.core.wallet import OwnerKey
from valetkey.devchain.keys import DevKey
from valetkey.devchain.transact import delegate
from valetkey.flows import kill_again, stop
from valetkey.flows.reconcile import reconcile
from valetkey.flows.settle import ENDINGS

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.budget import BudgetLine

YEAR_S = 365 * 86_400


async def _empty_fund(scene: Scene) -> BudgetLine:
    line = await fund_line(scene, Fund.STOPS)
    await scene.world.store.write(lambda tx: tx.put(replace(line, limit=0)))
    return line


async def _kills(scene: Scene, held: Held) -> list[Activity]:
    activities = await scene.world.store.read(lambda view: every(view, Activity))
    return [one for one in activities if one.kind in ENDINGS and one.session_id == held.id]


async def _pass(scene: Scene, times: int = 1) -> None:
    """Let the next watch come, and the round after it, so often."""
    for _ in range(times):
        scene.clock.advance(scene.world.bounds.watch_s)
        await reconcile(scene.world)
        await reconcile(scene.world)


async def test_a_kill_that_failed_comes_again_by_itself(stored: Scene) -> None:
    """Whether its grant was used on chain or not: nobody has to ask, once there is money again."""
    holding = await stored.wallet(OwnerKey.OUTSIDE)
    used, unused = [await stored.open(holding, proof=Proof.CHAIN) for _ in range(2)]
    await stored.run(used, stored.transfer(USDC))
    line = await _empty_fund(stored)
    for held in (used, unused):
        await stop.revoke(stored.world, stored.principal, stored.request(), session_id=held.id)
    assert await stage(stored, used) is GrantStage.OPEN
    await stored.world.store.write(lambda tx: tx.put(line))
    await _pass(stored)
    for held in (used, unused):
        assert await stage(stored, held) is GrantStage.REVOKED
        (first, second) = await _kills(stored, held)
        assert (first.state, second.state) == (ActivityState.FAILED, ActivityState.DONE)
        assert second.intent is not None
        assert second.intent.fund is Fund.STOPS
    await _pass(stored, 3)
    assert len(await _kills(stored, used)) == 2


async def test_a_kill_is_tried_ever_later_and_then_no_more(scene: Scene) -> None:
    """What it costs is somebody's money: each try waits twice as long, and there is a last one."""
    holding = await scene.wallet()
    limits = scene.permission(expires_at=scene.clock.now() + YEAR_S)
    held = await scene.open(holding, permission=limits)
    await _empty_fund(scene)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    await _pass(scene, 2 ** (kill_again.MOST + 1))
    kills = await _kills(scene, held)
    assert len(kills) == 1 + kill_again.MOST
    assert {one.state for one in kills} == {ActivityState.FAILED}
    at = sorted(one.created_at for one in kills)
    waits = [later - earlier for earlier, later in itertools.pairwise(at)]
    least = [scene.world.bounds.watch_s << number for number in range(kill_again.MOST)]
    assert all(wait >= so_long for wait, so_long in zip(waits, least, strict=True))
    again = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert again.activity.intent is not None  # whoever asks is heard


async def test_no_kill_is_tried_where_our_code_is_gone_and_one_when_it_is_back(
    scene: Scene,
) -> None:
    """It would end nothing, and use up the tries; delegating again brings it."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    limits = scene.permission(expires_at=scene.clock.now() + 24 * HOUR_S)
    held = await scene.open(holding, proof=Proof.CHAIN, permission=limits)
    owner = DevKey(holding.secret or b"", holding.account.address)
    delegate(scene.rpc, scene.deployment.deployer, owner, ALICE)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    await _pass(scene, 8)
    assert len(await _kills(scene, held)) == 1
    delegate(scene.rpc, scene.deployment.deployer, owner, scene.deployment.implementation)
    await _pass(scene)
    assert await stage(scene, held) is GrantStage.REVOKED
