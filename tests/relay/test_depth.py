"""Blocks that may still go: an outcome is final only so deep, a reorganisation loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flows.looks import again, set_budget
from tests.flows.scene import ALICE, CAP, USDC
from tests.flows.test_watch import kill_past_us
from tests.flows.truth import every
from valetkey.core.activity import ActivityState
from valetkey.core.budget import Hold, Reservation, ReservationState
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.flows import reads, reconcile, stop
from valetkey.flows.watch import look_at_sessions

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def test_an_outcome_counts_when_it_is_deep_enough(scene: Scene) -> None:
    """In a block it is ``included``; with three confirmations it is done."""
    held = await scene.open(await scene.wallet())
    scene.with_bounds(confirmations=3)
    run = await scene.run(held, scene.transfer(USDC))
    assert run.state is ActivityState.INCLUDED
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    assert (await again(scene, run)).state is ActivityState.INCLUDED
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    done = await again(scene, run)
    assert done.state is ActivityState.DONE
    names = [one.name for one in done.times if one.plane == "chain"]
    assert names == ["submitted", "included", "final"]


async def test_a_stop_has_the_time_of_each_step(scene: Scene) -> None:
    """Requested, refused, submitted, included, final: in that order."""
    held = await scene.open(await scene.wallet())
    scene.with_bounds(confirmations=2)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    steps = shown.session.steps
    assert [one.name for one in steps] == [
        "revoke_requested",
        "refused",
        "submitted",
        "included",
        "final",
    ]
    assert [one.at_ms for one in steps] == sorted(one.at_ms for one in steps)


async def test_a_run_whose_block_was_taken_back_is_brought_again(scene: Scene) -> None:
    """After a reorganisation the same transaction is mined again, and counts once."""
    before = await scene.balance(ALICE)
    limits = scene.permission(starts_at=scene.clock.now() - 60)  # anvil turns its clock back too
    held = await scene.open(await scene.wallet(), permission=limits)
    scene.with_bounds(confirmations=3)
    run = await scene.run(held, scene.transfer(USDC))
    assert run.state is ActivityState.INCLUDED
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    scene.rpc.ask("anvil_reorg", 1, [])
    scene.rpc.ask("anvil_dropAllTransactions")
    await reconcile.reconcile(scene.world)
    dropped = await again(scene, run)
    assert dropped.state is ActivityState.SENDING
    assert dropped.times[-1].name == "dropped"
    for _ in range(3):
        scene.rpc.ask("evm_mine")
        await reconcile.reconcile(scene.world)
    done = await again(scene, run)
    assert done.state is ActivityState.DONE
    assert len(done.attempts) == 1
    assert await scene.balance(ALICE) == before + USDC
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    assert shown.usage.spent.counters[0].spent == USDC


async def test_a_kill_that_was_taken_back_is_as_shallow_as_when_it_came_again(
    scene: Scene,
) -> None:
    """What a budget holds is given back when the block that ends the session now is deep enough."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    await set_budget(scene, holding.wallet.id, CAP)
    limits = scene.permission(starts_at=scene.clock.now() - 60)  # anvil turns its clock back too
    scene.with_bounds(watch_s=1)
    held = await scene.open(holding, proof=Proof.CHAIN, permission=limits)
    scene.with_bounds(confirmations=3)
    await kill_past_us(scene, held)
    assert await held_after_a_look(scene) == [held.id]
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    scene.rpc.ask("anvil_reorg", 1, [])
    scene.rpc.ask("anvil_dropAllTransactions")
    scene.rpc.ask("evm_setAutomine", True)  # noqa: FBT003 - JSON-RPC's own
    assert await held_after_a_look(scene) == [held.id]
    for _ in range(3):
        scene.rpc.ask("evm_mine")
    await kill_past_us(scene, held)
    assert await held_after_a_look(scene) == [held.id]
    for _ in range(2):
        scene.rpc.ask("evm_mine")
    assert await held_after_a_look(scene) == []


async def held_after_a_look(scene: Scene) -> list[str]:
    """Return the sessions for which budgets hold something, after their chain was asked."""
    scene.clock.advance(scene.world.bounds.watch_s)
    await look_at_sessions(scene.world)
    found = await scene.world.store.read(lambda view: every(view, Hold))
    return [one.session_id for one in found if one.session_id]


async def test_a_reservation_comes_back_only_when_the_deadline_is_deep(scene: Scene) -> None:
    """A block past the deadline may go again, and with it the proof that the run is late."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    scene.with_bounds(confirmations=3)
    planned = await scene.ask(held, scene.transfer(USDC))
    assert planned.run is not None
    scene.rpc.ask("evm_setNextBlockTimestamp", planned.run.deadline)
    scene.rpc.ask("evm_mine")
    scene.clock.advance(601)
    for expected in (
        ReservationState.RESERVED,
        ReservationState.RESERVED,
        ReservationState.RELEASED,
    ):
        await reconcile.reconcile(scene.world)
        found = await scene.world.store.read(lambda view: view.get(Reservation, planned.id))
        assert found is not None
        assert found.state is expected
        scene.rpc.ask("evm_mine")
