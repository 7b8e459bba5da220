"""Several at once on the same thing: each is settled once, and nobody undoes another's work."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.looks import again, reserved
from tests.flows.scene import ALICE, URL, USDC
from tests.worlds import CHAIN, SeededEntropy
from valetkey.adapters.chain.evm import EvmChain
from valetkey.core.activity import ActivityState
from valetkey.core.budget import ReservationState
from valetkey.core.chain import Fees, Transaction
from valetkey.core.errors import Code
from valetkey.core.session import Proof
from valetkey.flows import reads, reconcile

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def test_two_processes_reconcile_at_once(scene: Scene) -> None:
    """Each thing is settled once, whoever is first."""
    held = await scene.open(await scene.wallet())
    scene.with_bounds(wait_s=0)
    scene.line.refused["eth_getTransactionReceipt"] = "not now"
    for _ in range(5):
        await scene.run(held, scene.transfer(USDC))
    scene.line.refused.clear()
    other = replace(scene.world, entropy=SeededEntropy(9))
    ended = await asyncio.gather(
        *(reconcile.reconcile(world) for world in (scene.world, other, scene.world))
    )
    assert max(one.activities for one in ended) == 5
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    assert shown.usage.spent.counters[0].spent == 5 * USDC


async def test_a_live_request_and_reconcile_do_not_fight(scene: Scene) -> None:
    """Both bring the same run to the chain: it is sent once, ends once, and is no failure."""
    held = await scene.open(await scene.wallet(), proof=Proof.CHAIN)
    for _ in range(3):
        planned = await scene.ask(held, scene.transfer(USDC))
        others = asyncio.gather(*(reconcile.reconcile(scene.world) for _ in range(3)))
        done = await asyncio.gather(scene.sign(held, planned), scene.sign(held, planned))
        await others
        assert {one.state for one in done} == {ActivityState.DONE}
    assert await scene.balance(ALICE) == 3 * USDC


async def test_a_simulation_that_comes_late_does_not_fail_what_was_mined(scene: Scene) -> None:
    """Simulated after another process has sent it, a run looks refused; what is written counts."""
    held = await scene.open(await scene.wallet())
    broken = replace(scene, world=replace(scene.world, checkpoint=CrashAt("relay:before_plan")))
    request = scene.request()
    with pytest.raises(Crash):
        await broken.run(held, scene.transfer(USDC), request=request)
    scene.with_bounds(wait_s=0)
    scene.line.refused["eth_getTransactionReceipt"] = "not now"
    slow = _Slow(scene)
    world = replace(scene.world, chains={CHAIN: slow})
    late = asyncio.create_task(reconcile.reconcile(world))
    await slow.asked.wait()
    sent = await scene.run(held, scene.transfer(USDC), request=request)
    assert sent.state is ActivityState.SENDING
    slow.goes_on.set()
    await late
    await slow.close()
    assert (await again(scene, sent)).state is ActivityState.SENDING
    scene.line.refused.clear()
    await reconcile.reconcile(scene.world)
    assert (await again(scene, sent)).state is ActivityState.DONE


class _Slow(EvmChain):
    """A process that is slow to ask the chain."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(
            URL,
            chain_id=scene.chain.chain_id,
            implementation=scene.chain.implementation,
            allow_private=True,
            transport=scene.line,
        )
        self.asked = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def simulate(self, transaction: Transaction) -> int:
        self.asked.set()
        await self.goes_on.wait()
        return await super().simulate(transaction)


async def test_a_nonce_that_another_transaction_used_ends_the_activity(scene: Scene) -> None:
    """A transaction that can never be mined is not waited for, and its budget comes back."""
    held = await scene.open(await scene.wallet())
    scene.with_bounds(wait_s=0, run_deadline_s=600)
    scene.line.refused["eth_sendRawTransaction"] = "try later"
    waiting = await scene.run(held, scene.transfer(USDC))
    scene.line.refused.clear()
    relayer = await _relayer_elsewhere(scene)
    assert relayer == waiting.attempts[0].transaction.nonce + 1
    scene.clock.advance(scene.world.bounds.reprice_after_s)
    await reconcile.reconcile(scene.world)
    ended = await again(scene, waiting)
    assert ended.outcome is not None
    assert (ended.state, ended.outcome.code) == (ActivityState.FAILED, Code.NONCE_USED)
    assert await reserved(scene, waiting) is ReservationState.RESERVED
    scene.clock.advance(600)
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    assert await reserved(scene, waiting) is ReservationState.RELEASED


async def _relayer_elsewhere(scene: Scene) -> int:
    """Let the relayer's key send something that this server does not know of."""
    world, chain = scene.world, scene.chain
    sender = world.relayer_address
    nonce = await chain.transaction_count(sender)
    foreign = Transaction(sender, nonce, ALICE, 0, b"", 21_000, Fees(10**11, 1))
    signature = await world.vault.sign(world.payers.key_of(sender), chain.digest(foreign))
    await chain.send(chain.seal(foreign, signature).raw)
    return await chain.transaction_count(sender)
