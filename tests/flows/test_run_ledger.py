"""What runs book, and when it is kept or given back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.looks import again, fund_line, set_budget, spent
from tests.flows.scene import ALICE, CAP, USDC
from tests.worlds import SeededEntropy
from valetkey.core.activity import ActivityState
from valetkey.core.budget import BudgetLine
from valetkey.core.errors import Code, Conflict, Forbidden, Limited, ValetkeyError
from valetkey.core.permission.model import Cap, Window
from valetkey.core.session import Proof
from valetkey.core.sponsorship import Fund
from valetkey.flows import budgets, open_session, organize, reads, reconcile, stop

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.permission.model import Permission


async def test_many_runs_at_once_never_pass_the_cap(scene: Scene) -> None:
    """Twice as many runs as fit, from two processes at once: exactly those that fit happen."""
    held = await scene.open(await scene.wallet())
    second = replace(scene.world, entropy=SeededEntropy(7))
    worlds = [scene.world, second] * 10
    results = []
    for _ in range(2):
        results += await asyncio.gather(
            *(_run_in(scene, world, held, 2 * USDC) for world in worlds[:10])
        )
    assert results.count("done") == 10
    assert results.count(Code.CAP_EXCEEDED) == 10
    assert await scene.balance(ALICE) == CAP
    assert (await spent(scene, held)).counters[0].spent == CAP


async def _run_in(scene: Scene, world: object, held: Held, amount: int) -> str:
    other = replace(scene, world=world)  # type: ignore[arg-type]
    try:
        return (await other.run(held, scene.transfer(amount))).state
    except ValetkeyError as refused:
        return refused.code


@pytest.mark.parametrize("scope", ["wallet", "user"])
async def test_a_budget_above_sessions_holds_over_all_of_them(scene: Scene, scope: str) -> None:
    """Two sessions of one wallet, or two wallets of one user, share what is left."""
    user = await organize.add_user(scene.world, scene.principal, scene.request(), reference="u")
    one = await scene.wallet(user_id=user.id)
    two = one if scope == "wallet" else await scene.wallet(user_id=user.id)
    await set_budget(scene, one.wallet.id if scope == "wallet" else user.id, 7 * USDC)
    held = [await scene.open(one), await scene.open(two)]
    results = await asyncio.gather(
        *(_run_in(scene, scene.world, held[index % 2], 2 * USDC) for index in range(8))
    )
    assert results.count("done") == 3
    assert results.count(Code.BUDGET_EXCEEDED) == 5
    assert await scene.balance(ALICE) == 6 * USDC


async def test_nobody_spends_past_a_budget_that_only_we_count(scene: Scene) -> None:
    """A holder who reaches the chain without us may do so only as far as the budget goes."""
    holding = await scene.wallet()
    free = scene.command(holding, proof=Proof.CHAIN)
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), free)
    with pytest.raises(Conflict, match=opened.session.id):
        await set_budget(scene, holding.wallet.id, USDC)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=opened.session.id)
    await reconcile.reconcile(scene.world)
    await set_budget(scene, holding.wallet.id, USDC)
    with pytest.raises(Limited) as refused:
        await scene.open(holding, proof=Proof.CHAIN)
    assert refused.value.code is Code.BUDGET_EXCEEDED
    held = await scene.open(holding, proof=Proof.CHAIN, permission=_bound(scene))
    with pytest.raises(Limited):
        await scene.run(held, scene.transfer(2 * USDC))


async def test_a_refused_run_books_nothing_anywhere(scene: Scene) -> None:
    """The second of two budgets refuses: the first is as it was."""
    user = await organize.add_user(scene.world, scene.principal, scene.request(), reference="u")
    holding = await scene.wallet(user_id=user.id)
    await set_budget(scene, holding.wallet.id, 10 * USDC)
    await set_budget(scene, user.id, USDC)
    held = await scene.open(holding)
    with pytest.raises(Limited):
        await scene.run(held, scene.transfer(2 * USDC))
    lines = await _lines(scene, holding.wallet.id)
    assert [one.counter.spent for one in lines] == [0]


async def test_a_run_never_outlives_the_window_of_a_budget(scene: Scene) -> None:
    """Booked to one window of the wallet's budget, it must not be mined in the next."""
    holding = await scene.wallet()
    await set_budget(scene, holding.wallet.id, USDC, window_s=60)
    held = await scene.open(holding, proof=Proof.CHAIN, permission=_bound(scene))
    started = scene.clock.now()
    scene.clock.advance(50)
    planned = await scene.ask(held, scene.transfer(USDC))
    assert planned.run is not None
    assert planned.run.deadline == started + 60
    with pytest.raises(Limited):
        await scene.ask(held, scene.transfer(1))
    scene.clock.advance(10)
    assert (await scene.run(held, scene.transfer(USDC))).state is ActivityState.DONE
    assert (await scene.sign(held, planned)).state is ActivityState.LAPSED


async def test_failed_gas_counts(scene: Scene) -> None:
    """A transaction that was mined and reverted costs the sponsor, and moves nothing."""
    holding = await scene.wallet()
    held = await scene.open(holding, permission=scene.permission(cap=10**12))
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    scene.with_bounds(wait_s=0)
    both = [await scene.run(held, scene.transfer(60 * USDC)) for _ in range(2)]
    assert {one.state for one in both} == {ActivityState.SENDING}
    scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    first, second = [await again(scene, one) for one in both]
    assert first.state is ActivityState.DONE
    assert second.state is ActivityState.FAILED
    assert second.outcome is not None
    assert second.outcome.code == Code.CALL_REVERTED
    assert second.outcome.fee_wei > 0
    fund = (await fund_line(scene, Fund.RUNS)).counter.spent
    assert fund >= second.outcome.fee_wei + (first.outcome.fee_wei if first.outcome else 0)
    assert (await spent(scene, held)).counters[0].spent == 60 * USDC


async def test_gas_is_paid_up_to_the_sponsorship(scene: Scene) -> None:
    """A run that could cost more than is left is not sent; what was booked for it is given back."""
    limits = scene.permission(fee_budget_wei=1)
    held = await scene.open(await scene.wallet(), permission=limits)
    failed = await scene.run(held, scene.transfer(USDC))
    assert failed.state is ActivityState.FAILED
    assert failed.outcome is not None
    assert failed.outcome.code == Code.SPONSORSHIP_EXCEEDED
    assert not failed.attempts
    assert (await spent(scene, held)).counters[0].spent == 0


async def test_a_users_fee_budget_holds_over_all_sessions(scene: Scene) -> None:
    """The sponsor pays for a user no more than the user's budget of fees."""
    user = await organize.add_user(scene.world, scene.principal, scene.request(), reference="u")
    held = await scene.open(await scene.wallet(user_id=user.id))
    command = budgets.SetBudget(user.id, "fees", 1, 0)
    await budgets.set_budget(scene.world, scene.principal, scene.request(), command)
    failed = await scene.run(held, scene.transfer(USDC))
    assert failed.outcome is not None
    assert failed.outcome.code == Code.SPONSORSHIP_EXCEEDED


async def test_stops_are_paid_when_runs_have_spent_everything(scene: Scene) -> None:
    """Revocations have a fund of their own, which runs cannot empty."""
    held = await scene.open(await scene.wallet())
    await _empty(scene, Fund.RUNS)
    failed = await scene.run(held, scene.transfer(USDC))
    assert failed.outcome is not None
    assert failed.outcome.code == Code.SPONSORSHIP_EXCEEDED
    stopped = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert stopped.activity.state is ActivityState.DONE
    assert (await fund_line(scene, Fund.STOPS)).counter.spent > 0


async def test_the_meter_of_a_window_starts_anew(scene: Scene) -> None:
    """A new window has all of its limit, and the lifetime keeps counting."""
    cap = Cap(scene.token, 6, lifetime=3 * USDC, window=Window(2 * USDC, 60))
    held = await scene.open(await scene.wallet(), permission=scene.permission(caps=(cap,)))
    await scene.run(held, scene.transfer(2 * USDC))
    scene.clock.advance(60)
    await scene.run(held, scene.transfer(USDC))
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.facts["caveat"] == "caps[0].lifetime"
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    assert [one.spent for one in shown.left] == [3 * USDC, USDC]


def _bound(scene: Scene) -> Permission:
    return scene.permission(relayer=scene.world.relayer_address)


async def _lines(scene: Scene, scope_id: str) -> list[BudgetLine]:
    return await scene.world.store.read(lambda view: view.find(BudgetLine, scope_id=scope_id))


async def _empty(scene: Scene, fund: Fund) -> None:
    line = await fund_line(scene, fund)
    emptied = replace(line, limit=line.counter.spent)
    await scene.world.store.write(lambda tx: tx.put(emptied))
