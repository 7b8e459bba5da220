"""What a holder does without us: learned from the chain, and counted once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.chainside import bring, bring_plan
from tests.flows.looks import again, reserved, spent
from tests.flows.scene import ALICE, USDC
from valetkey.core.activity import ActivityState
from valetkey.core.budget import ReservationState
from valetkey.core.errors import Code, Forbidden
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.flows import reconcile, stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.scene import Scene
    from valetkey.ports import Store, T, Tx, View


async def test_what_a_holder_did_without_us_is_learned_from_the_chain(scene: Scene) -> None:
    """A run that a stranger brought counts against the cap and the call count."""
    limits = scene.permission(max_calls=3)
    held = await scene.open(
        await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN, permission=limits
    )
    bring(scene, held, held.session, scene.transfer(15 * USDC), nonce=0)
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(6 * USDC))
    assert refused.value.code is Code.CAP_EXCEEDED
    done = await scene.run(held, scene.transfer(2 * USDC))
    assert done.run is not None
    assert (done.state, done.run.nonce) == (ActivityState.DONE, 1)
    booked = await spent(scene, held)
    assert (booked.calls, booked.counters[0].spent) == (2, 17 * USDC)


async def test_a_run_that_is_mined_but_not_settled_counts_once(scene: Scene) -> None:
    """The chain shows it and the ledger holds it: that is one run, not two."""
    held = await scene.open(await scene.wallet())
    scene.with_bounds(wait_s=0)
    scene.line.refused["eth_getTransactionReceipt"] = "not now"
    first = await scene.run(held, scene.transfer(10 * USDC))
    assert first.state is ActivityState.SENDING
    assert await scene.balance(ALICE) == 10 * USDC
    second = await scene.run(held, scene.transfer(10 * USDC))
    assert second.state is ActivityState.SENDING
    scene.line.refused.clear()
    await reconcile.reconcile(scene.world)
    assert (await spent(scene, held)).counters[0].spent == 20 * USDC


async def test_a_run_committed_since_the_chain_was_looked_at_counts(scene: Scene) -> None:
    """A snapshot of the chain that is older than a commit, and knows of more, hides nothing."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await scene.open(holding, proof=Proof.CHAIN)
    planned = await scene.ask(held, scene.transfer(5 * USDC))
    bring(scene, held, held.session, scene.transfer(10 * USDC), nonce=5)
    late = _Late(scene.world.store)
    slow = replace(scene, world=replace(scene.world, store=late))
    asked = asyncio.create_task(slow.ask(held, scene.transfer(6 * USDC)))
    await late.waits.wait()
    assert (await scene.sign(held, planned)).state is ActivityState.DONE
    late.goes_on.set()
    with pytest.raises(Forbidden) as refused:
        await asked
    assert refused.value.code is Code.CAP_EXCEEDED


async def test_a_nonce_used_since_the_chain_was_looked_at_is_not_given_again(scene: Scene) -> None:
    """A snapshot of the chain that is older than a commit shows its nonce as free."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    first = await scene.ask(held, scene.transfer(USDC))
    late = _Late(scene.world.store)
    slow = replace(scene, world=replace(scene.world, store=late))
    asked = asyncio.create_task(slow.ask(held, scene.transfer(USDC)))
    await late.waits.wait()
    assert (await scene.sign(held, first)).state is ActivityState.DONE
    late.goes_on.set()
    second = await asked
    assert second.run is not None
    assert second.run.nonce == 1
    assert (await scene.sign(held, second)).state is ActivityState.DONE


class _Late:
    """A store whose writes wait until they may go on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.waits = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def read(self, body: Callable[[View], T]) -> T:
        return await self._store.read(body)

    async def write(self, body: Callable[[Tx], T]) -> T:
        self.waits.set()
        await self.goes_on.wait()
        return await self._store.write(body)

    async def check(self) -> None:
        await self._store.check()


async def test_the_refusal_of_a_simulation_names_the_caveat(scene: Scene) -> None:
    """What only the chain knew is told in the words of the permission; nothing is sent."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    planned = await scene.ask(held, scene.transfer(10 * USDC))
    bring(scene, held, held.session, scene.transfer(15 * USDC), nonce=7)
    failed = await scene.sign(held, planned)
    assert failed.outcome is not None
    assert failed.outcome.code == Code.CAP_EXCEEDED
    assert "caps[0].lifetime" in failed.outcome.detail
    assert not failed.attempts


async def test_a_run_that_its_holder_brought_is_committed(scene: Scene) -> None:
    """The chain has used its nonce, whoever paid: its reservation is kept for good."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    planned = await scene.ask(held, scene.transfer(10 * USDC))
    assert planned.run is not None
    bring_plan(scene, held, held.session, planned.run)
    scene.clock.set(planned.run.deadline)
    await reconcile.reconcile(scene.world)
    await reconcile.reconcile(scene.world)
    assert (await again(scene, planned)).state is ActivityState.LAPSED
    assert await reserved(scene, planned) is ReservationState.COMMITTED
    assert (await spent(scene, held)).counters[0].spent == 10 * USDC


async def test_what_a_holder_may_still_bring_is_not_given_back(scene: Scene) -> None:
    """A signed run can be brought by anybody until the chain is past its deadline."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    planned = await scene.ask(held, scene.transfer(10 * USDC))
    assert planned.run is not None
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert (await scene.sign(held, planned)).state is ActivityState.LAPSED
    await reconcile.reconcile(scene.world)
    assert await reserved(scene, planned) is ReservationState.RESERVED
    scene.clock.set(planned.run.deadline - 1)
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    assert await reserved(scene, planned) is ReservationState.RESERVED
    scene.clock.set(planned.run.deadline)
    await reconcile.reconcile(scene.world)
    assert await reserved(scene, planned) is ReservationState.RESERVED  # no block says so yet
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    assert await reserved(scene, planned) is ReservationState.RELEASED
    assert (await spent(scene, held)).counters[0].spent == 0
