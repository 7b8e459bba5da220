"""A transaction that waits: offered more, sent again, or cancelled, always under one nonce."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.flows.looks import again, reserved
from tests.flows.scene import ALICE, USDC
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.budget import BudgetLine, ReservationState
from valetkey.core.errors import Code
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.flows import reads, reconcile, stop

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene

OLD_S = 16  # older than `reprice_after_s`


async def test_an_unmined_transaction_is_offered_more(scene: Scene) -> None:
    """The dearer attempt replaces the first, is mined, and is what is paid for."""
    held, waiting = await _waiting(scene)
    scene.clock.advance(OLD_S)
    await reconcile.reconcile(scene.world)
    dearer = await again(scene, waiting)
    first, second = (one.transaction for one in dearer.attempts)
    assert second.nonce == first.nonce
    assert second.fees.max_fee_wei > first.fees.max_fee_wei
    assert second.fees.priority_fee_wei > first.fees.priority_fee_wei
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    done = await again(scene, waiting)
    assert done.state is ActivityState.DONE
    assert done.outcome is not None
    assert done.outcome.tx_hash == dearer.attempts[1].tx_hash
    assert await _paid(scene) == await _fees(scene, held)


async def test_the_first_attempt_may_win_after_all(scene: Scene) -> None:
    """Whichever attempt is mined settles the activity; its fee is booked, no other."""
    before = await scene.balance(ALICE)
    held, waiting = await _waiting(scene)
    scene.rpc.ask("evm_setAutomine", True)  # noqa: FBT003 - JSON-RPC's own
    scene.rpc.ask("evm_mine")
    scene.clock.advance(OLD_S)
    await asyncio.gather(*(reconcile.reconcile(scene.world) for _ in range(3)))
    done = await again(scene, waiting)
    assert done.state is ActivityState.DONE
    assert await scene.balance(ALICE) == before + USDC
    assert await _paid(scene) == await _fees(scene, held)


async def test_only_the_first_in_line_is_offered_more(scene: Scene) -> None:
    """What waits for the nonce before it is not waiting for money."""
    held, first = await _waiting(scene)
    second = await scene.run(held, scene.transfer(USDC))
    scene.clock.advance(OLD_S)
    await reconcile.reconcile(scene.world)
    counts = [len((await again(scene, one)).attempts) for one in (first, second)]
    assert counts == [2, 1]
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    states = {(await again(scene, one)).state for one in (first, second)}
    assert states == {ActivityState.DONE}


async def test_offering_more_has_an_end(scene: Scene) -> None:
    """A transaction that no price gets mined is sent again as it is, not ever dearer."""
    _, waiting = await _waiting(scene)
    for _ in range(35):
        scene.clock.advance(OLD_S)
        await reconcile.reconcile(scene.world)
    stuck = await again(scene, waiting)
    assert len(stuck.attempts) < 25
    first, last = stuck.attempts[0].transaction.fees, stuck.attempts[-1].transaction.fees
    assert last.max_fee_wei <= 10 * first.max_fee_wei
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    assert (await again(scene, waiting)).state is ActivityState.DONE


async def test_a_transaction_that_the_node_forgot_is_sent_again(scene: Scene) -> None:
    """A node that lost its pool gets the same bytes once more."""
    _, waiting = await _waiting(scene)
    scene.rpc.ask("anvil_dropAllTransactions")
    await reconcile.reconcile(scene.world)
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    done = await again(scene, waiting)
    assert done.state is ActivityState.DONE
    assert len(done.attempts) == 1


async def test_a_run_whose_time_is_over_is_cancelled(scene: Scene) -> None:
    """Its nonce is used by an empty transaction, so that those behind it are not held up."""
    held, waiting = await _waiting(scene)
    assert waiting.run is not None
    scene.rpc.ask("anvil_dropAllTransactions")
    scene.rpc.ask("evm_setNextBlockTimestamp", waiting.run.deadline)
    scene.rpc.ask("evm_mine")
    scene.clock.advance(601)
    await reconcile.reconcile(scene.world)
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    ended = await again(scene, waiting)
    assert ended.state is ActivityState.LAPSED
    assert ended.outcome is not None
    assert ended.outcome.code == Code.DEADLINE_PASSED
    assert ended.outcome.gas_used == 21_000
    assert await _paid(scene) == await _fees(scene, held)
    assert await reserved(scene, waiting) is ReservationState.RELEASED
    assert await _used(scene) == ended.attempts[0].transaction.nonce + 1


async def test_a_run_that_was_revoked_while_it_waited_is_cancelled(scene: Scene) -> None:
    """The revocation comes behind it in the line, so it is taken out of the way."""
    before = await scene.balance(ALICE)
    held, waiting = await _waiting(scene)
    stopped = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert stopped.activity.state is ActivityState.SENDING
    scene.clock.advance(OLD_S)
    await reconcile.reconcile(scene.world)
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    assert (await again(scene, waiting)).state is ActivityState.LAPSED
    assert (await again(scene, stopped.activity)).state is ActivityState.DONE
    assert await scene.balance(ALICE) == before


async def test_a_dearer_chain_is_followed(scene: Scene) -> None:
    """The base fee has risen above what was offered: the next attempt offers what it takes."""
    _, waiting = await _waiting(scene)
    offered = waiting.attempts[0].transaction.fees.max_fee_wei
    scene.rpc.ask("anvil_setNextBlockBaseFeePerGas", hex(3 * offered))
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    assert (await again(scene, waiting)).state is ActivityState.SENDING
    scene.clock.advance(OLD_S)
    await reconcile.reconcile(scene.world)
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    done = await again(scene, waiting)
    assert done.state is ActivityState.DONE
    assert done.attempts[-1].transaction.fees.max_fee_wei > 2 * offered
    scene.rpc.ask("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    scene.rpc.ask("evm_mine")


async def _waiting(scene: Scene) -> tuple[Held, Activity]:
    """Return a run whose transaction the chain has and does not mine."""
    held = await scene.open(await scene.wallet())
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    scene.with_bounds(wait_s=0)
    waiting = await scene.run(held, scene.transfer(USDC))
    assert waiting.state is ActivityState.SENDING, waiting.outcome
    return held, waiting


async def _paid(scene: Scene) -> int:
    """Return what the fund for runs has booked."""
    key = fund_line_id(scene.founded.organization.id, Fund.RUNS)
    line = await scene.world.store.read(lambda view: view.get(BudgetLine, key))
    assert line is not None
    return line.counter.spent


async def _fees(scene: Scene, held: Held) -> int:
    """Return what the chain took for everything in the organization of *held*."""
    found = await reads.listed(
        scene.world,
        scene.principal,
        Activity,
        organization_id=held.session.organization_id,
    )
    return sum(one.outcome.fee_wei for one in found if one.outcome)


async def _used(scene: Scene) -> int:
    return await scene.chain.transaction_count(scene.world.relayer_address)
