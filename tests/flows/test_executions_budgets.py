"""Budgets above sessions, raced by what their keys have signed: never passed, nor for owners."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import act, ask, hold, sign, user
from tests.flows.scene import ALICE, BOB
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.budget import BudgetLine, line_id
from valetkey.core.errors import Code, Forbidden, Limited
from valetkey.core.wallet import OwnerKey
from valetkey.flows import budgets, reconcile, stop
from valetkey.flows.execution_run import LOOKED_AT

if TYPE_CHECKING:
    from tests.flows.scene import Scene

OUTSIDE = OwnerKey.OUTSIDE
SEEDS = range(4)


async def _limit(scene: Scene, scope_id: str, limit: int) -> str:
    asset = f"0x{scene.token.hex()}"
    command = budgets.SetBudget(scope_id, asset, limit, 0)
    await budgets.set_budget(scene.world, scene.principal, scene.request(), command)
    return line_id(scope_id, asset, 0)


async def _booked(scene: Scene, key: str) -> int:
    line = await scene.world.store.read(lambda view: view.get(BudgetLine, key))
    assert line is not None
    return line.counter.spent


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_budget_is_passed_by_any_number_at_once(stored: Scene, seed: int) -> None:
    """Of wallet, user and session, in any order, twice each: what moved is what is booked."""
    scene, chance = stored, random.Random(seed)  # noqa: S311 - not for keys
    ada = await user(scene)
    holding = await scene.wallet(OUTSIDE, user_id=ada.id)
    both = [await hold(scene, holding, permission=scene.permission(cap=12)) for _ in range(2)]
    of_wallet = await _limit(scene, holding.wallet.id, 17)
    of_user = await _limit(scene, ada.id, chance.randint(9, 25))
    amounts = [chance.randint(1, 7) for _ in range(8)]
    asked = [await ask(scene, holding, scene.transfer(one)) for one in amounts]
    signing = [
        sign(scene, one, chance.choice(both).secret, personal=chance.random() < 0.5)
        for one in [*asked, *chance.sample(asked, 4)]
    ]
    chance.shuffle(signing)
    ended = await asyncio.gather(*signing, return_exceptions=True)
    for one in ended:
        assert not isinstance(one, BaseException) or isinstance(one, Forbidden | Limited), one
    await reconcile.reconcile(scene.world)
    moved = await scene.moved()
    assert 0 < moved <= 17
    assert await _booked(scene, of_wallet) == await _booked(scene, of_user) == moved
    assert sum(amounts) > 24 or any(isinstance(one, BaseException) for one in ended)


async def test_what_a_budget_refuses_still_waits(scene: Scene) -> None:
    """Nothing is changed; when there is room, the same signature is taken."""
    holding = await scene.wallet(OUTSIDE)
    held = await hold(scene, holding)
    await _limit(scene, holding.wallet.id, 5)
    asked = await ask(scene, holding, scene.transfer(6))
    before = await dump(scene.world)
    with pytest.raises(Limited) as refused:
        await sign(scene, asked, held.secret)
    assert refused.value.code is Code.BUDGET_EXCEEDED
    assert await dump(scene.world) == before
    await _limit(scene, holding.wallet.id, 6)
    assert (await sign(scene, asked, held.secret)).state is ActivityState.DONE


async def test_an_owner_is_not_bound_by_what_bounds_sessions(scene: Scene) -> None:
    """Nor counted there: the budget is for what is given away."""
    holding = await scene.wallet(OUTSIDE)
    held = await hold(scene, holding)
    key = await _limit(scene, holding.wallet.id, 5)
    done = await sign(scene, await ask(scene, holding, scene.transfer(50)), holding.secret)
    assert done.state is ActivityState.DONE
    assert await _booked(scene, key) == 0
    assert (await act(scene, held, scene.transfer(5, BOB))).state is ActivityState.DONE
    assert (await scene.balance(ALICE), await scene.balance(BOB)) == (50, 5)


async def test_a_key_of_two_sessions_acts_under_the_one_that_allows_it(scene: Scene) -> None:
    """The newest in use first; of one that was revoked nothing is left in force."""
    holding = await scene.wallet(OUTSIDE)
    old = await hold(scene, holding, permission=scene.permission(recipients=(ALICE,)))
    new = await hold(
        scene, holding, secret=old.secret, permission=scene.permission(recipients=(BOB,))
    )
    for to, session in ((BOB, new), (ALICE, old)):
        done = await act(scene, new, scene.transfer(1, to))
        assert (done.state, done.session_id) == (ActivityState.DONE, session.id)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=old.id)
    asked = await ask(scene, holding, scene.transfer(1, ALICE))
    with pytest.raises(Forbidden) as refused:
        await sign(scene, asked, new.secret)
    assert refused.value.code is Code.RECIPIENT_NOT_ALLOWED


async def test_a_key_may_have_sessions_of_any_number_of_accounts(scene: Scene) -> None:
    """As a game's server has one key for all its players: each account finds its own session."""
    mine, theirs = await scene.wallet(OUTSIDE), await scene.wallet(OUTSIDE)
    held = await hold(scene, mine)
    for _ in range(LOOKED_AT + 1):
        await hold(scene, theirs, secret=held.secret, is_signed=False, shares_key=True)
    done = await act(scene, held, scene.transfer(1))
    assert (done.state, done.session_id) == (ActivityState.DONE, held.id)
