"""Stops do not wait behind runs: neither behind their nonces, nor for their money."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.flows.scene import USDC
from valetkey.core.activity import ActivityState
from valetkey.core.budget import BudgetLine
from valetkey.core.errors import Code
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import ANYTHING, Call, Rule
from valetkey.core.session import Proof
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.devchain import dev_keys, transact
from valetkey.flows import freeze, reconcile, stop
from valetkey.flows.relay import look, read_activity

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.ports import View

BURN: Final = "burn(uint256)"
# Counts its argument down to zero, at 26 gas for each.
BURNER: Final = bytes.fromhex("600d600c600039600d6000f3" + "6004355b600190038060035700")
BLOCK_OF_LOOPS: Final = 1_060_000


async def burner(scene: Scene) -> tuple[Held, bytes]:
    """Return a session that may burn gas, and the contract that does it."""
    target = transact(scene.rpc, dev_keys()[1], None, data=BURNER).created or b""
    rules = (Rule(target, selector_of(BURN), BURN),)
    limits = scene.permission(rules=rules, caps=(), recipients=ANYTHING)
    return await scene.open(await scene.wallet(), permission=limits), target


def burn(target: bytes, loops: int) -> Call:
    """Return the call that counts down from *loops*."""
    return Call(target, 0, selector_of(BURN) + loops.to_bytes(32))


async def test_a_run_that_no_block_can_hold_holds_up_no_stop(scene: Scene) -> None:
    """It passes simulation; with the usual margin no node takes it, nor what is behind it."""
    held, target = await burner(scene)
    victim = await scene.open(await scene.wallet())
    scene.with_bounds(wait_s=0.5)
    run = await scene.run(held, burn(target, BLOCK_OF_LOOPS))
    stopped = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=victim.id)
    assert stopped.activity.state is ActivityState.DONE
    assert run.outcome is not None
    assert run.outcome.code == Code.SPONSORSHIP_EXCEEDED


async def test_a_stop_is_not_mined_behind_a_run(scene: Scene) -> None:
    """A run that offers too little waits in the pool, and its nonce with it; the stop does not."""
    held = await scene.open(await scene.wallet())
    victim = await scene.open(await scene.wallet())
    scene.with_bounds(wait_s=0)
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    run = await scene.run(held, scene.transfer(USDC))
    dear = hex(run.attempts[-1].transaction.fees.max_fee_wei + 1)
    scene.rpc.ask("anvil_setNextBlockBaseFeePerGas", dear)
    scene.rpc.ask("evm_mine")
    stopped = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=victim.id)
    scene.rpc.ask("evm_mine")
    looked = [await look(scene.world, one) for one in (stopped.activity, run)]
    assert [one.state for one in looked] == [ActivityState.DONE, ActivityState.SENDING]
    senders = {one.attempts[-1].transaction.sender for one in looked}
    assert senders == {scene.world.stopper_address, scene.world.relayer_address}


async def test_stops_leave_what_sessions_are_bound_to(scene: Scene) -> None:
    """A session whose key is here is bound to the relayer: it runs, and is stopped by the other."""
    held = await scene.open(await scene.wallet(), proof=Proof.STAMP)
    run = await scene.run(held, scene.transfer(USDC))
    assert run.state is ActivityState.DONE
    assert held.session.permission is not None
    assert held.session.permission.relayer == run.attempts[-1].transaction.sender
    frozen = await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=held.id)
    thawed = await freeze.unfreeze(
        scene.world, scene.principal, scene.request(), session_id=held.id
    )
    senders = [one.activity.attempts[-1].transaction.sender for one in (frozen, thawed)]
    assert senders == [scene.world.stopper_address, scene.world.relayer_address]


async def test_a_run_that_the_relayer_cannot_pay_holds_up_no_stop(scene: Scene) -> None:
    """What a node refuses for want of money takes no nonce; stops have money of their own."""
    held, target = await burner(scene)
    victim = await scene.open(await scene.wallet())
    scene.with_bounds(wait_s=0.5)
    poor = hex(10**14)
    scene.rpc.ask("anvil_setBalance", "0x" + scene.world.relayer_address.hex(), poor)
    run = await scene.run(held, burn(target, 100_000))
    stopped = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=victim.id)
    assert stopped.activity.state is ActivityState.DONE
    assert run.outcome is not None
    assert run.outcome.code == Code.SPONSORSHIP_EXCEEDED


async def test_what_nobody_pays_more_for_makes_room(scene: Scene) -> None:
    """A delegation has no deadline: waiting for a cheaper chain it would hold up all for ever."""
    waiting_for = await scene.wallet(is_delegated=False)
    scene.with_bounds(wait_s=0)
    key = fund_line_id(scene.founded.organization.id, Fund.RUNS)
    line = await scene.world.store.read(lambda view: view.get(BudgetLine, key))
    assert line is not None
    tight = replace(line, limit=line.counter.spent + 10**15)
    await scene.world.store.write(lambda tx: tx.put(tight))
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    waiting = await scene.delegate(waiting_for)
    dear = hex(waiting.attempts[-1].transaction.fees.max_fee_wei * 20)
    for _ in range(3):
        scene.clock.advance(16)
        scene.rpc.ask("anvil_setNextBlockBaseFeePerGas", dear)
        scene.rpc.ask("evm_mine")
        await reconcile.reconcile(scene.world)
    ended = await read_activity(scene.world, waiting.id)
    assert ended.state is ActivityState.LAPSED
    await scene.world.store.write(lambda tx: tx.put(replace(_line(tx, key), limit=line.limit)))


def _line(view: View, key: str) -> BudgetLine:
    found = view.get(BudgetLine, key)
    assert found is not None
    return found


async def test_all_stops_are_paid_one_after_the_other(scene: Scene) -> None:
    """Their ceilings together are more than the fund, what they cost is less: each gets there."""
    holding = await scene.wallet()
    held = [await scene.open(holding) for _ in range(6)]
    first = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held[0].id)
    ceiling_wei = first.activity.attempts[-1].transaction.ceiling_wei()
    key = fund_line_id(scene.founded.organization.id, Fund.STOPS)
    line = await scene.world.store.read(lambda view: view.get(BudgetLine, key))
    assert line is not None
    tight = replace(line, limit=line.counter.spent + 3 * ceiling_wei)
    await scene.world.store.write(lambda tx: tx.put(tight))
    stopped = await stop.revoke_all(
        scene.world,
        scene.principal,
        scene.request(),
        scope=stop.Scope.WALLET,
        scope_id=holding.wallet.id,
    )
    await reconcile.reconcile(scene.world)
    await reconcile.reconcile(scene.world)
    ends = [await read_activity(scene.world, one.activity.id) for one in stopped]
    assert {one.state for one in ends} == {ActivityState.DONE}
