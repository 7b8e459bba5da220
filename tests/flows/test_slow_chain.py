"""A chain whose node takes questions and does not answer: others do not wait for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.looks import again, stage
from tests.flows.scene import URL
from tests.worlds import Passed
from valetkey.adapters.chain.evm import EvmChain
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.flows import stop
from valetkey.flows.kill_again import plan_kill
from valetkey.flows.reconcile import reconcile

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.ports import Tx

OTHER = 5
TURNS = 2000  # of the event loop: many more than a stop takes


class Mute(httpx.AsyncBaseTransport):
    """
    A line on which nothing comes back until it is let go.

    Args:
        asked: Set when something was asked.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait, and fail."""
        self.asked.set()
        await self.let_go.wait()
        raise httpx.ConnectError("gone", request=request)


async def test_a_stop_does_not_wait_for_the_node_of_another_chain(scene: Scene) -> None:
    """The attack: one node takes ten seconds for each question, and all stops stand behind it."""
    held = await scene.open(await scene.wallet())
    scene.line.is_cut = True
    stopped = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    scene.line.is_cut = False
    mute, account = Mute(), held.holding.account
    other = EvmChain(
        URL, chain_id=OTHER, implementation=bytes(20), allow_private=True, transport=mute
    )
    elsewhere = replace(account, id="acc_" + "0" * 24, chain=other.chain)
    first = replace(
        stopped.activity,
        id="act_" + "0" * 24,
        request_key="elsewhere",
        session_id=None,
        account_id=elsewhere.id,
    )

    def add(tx: Tx) -> None:
        tx.add(elsewhere)
        tx.add(first)

    await scene.world.store.write(add)
    world = replace(scene.world, chains={**scene.world.chains, other.chain: other})
    settling = asyncio.create_task(reconcile(world))
    await mute.asked.wait()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert (await again(scene, stopped.activity)).state is ActivityState.DONE
    assert await stage(scene, held) is GrantStage.REVOKED
    assert not settling.done()
    mute.let_go.set()
    await settling
    assert (await again(scene, first)).state is ActivityState.READY
    await other.close()


async def test_a_kill_that_is_only_planned_comes_before_runs(scene: Scene) -> None:
    """Also one whose note is still sealed: runs that wait do not stand in front of it."""
    holding = await scene.wallet()
    held, other = await scene.open(holding), await scene.open(holding)
    broken = replace(scene, world=replace(scene.world, checkpoint=CrashAt("run:after_book")))
    with pytest.raises(Crash):
        await broken.run(other, scene.transfer(1))
    scene.clock.advance(1)
    await scene.world.store.write(lambda tx: plan_kill(scene.world, tx, held.session))
    passed = Passed()
    await reconcile(replace(scene.world, checkpoint=passed))
    assert passed.names.index("stop:after_open") < passed.names.index("run:before_sign")
    assert await stage(scene, held) is GrantStage.REVOKED
