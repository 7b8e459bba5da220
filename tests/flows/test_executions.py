"""Calls that the owner of an account signs: brought to the chain once, or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import (
    ask,
    bring,
    sign,
    signature_of,
    user,
)
from tests.flows.scene import ALICE, BOB, USDC
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.budget import FEES, BudgetLine, line_id
from valetkey.core.errors import (
    Code,
    Malformed,
)
from valetkey.core.execution import LIFE_S
from valetkey.core.permission.model import Call
from valetkey.core.wallet import OwnerKey
from valetkey.flows import budgets
from valetkey.flows.reconcile import reconcile

if TYPE_CHECKING:
    from tests.flows.scene import Scene

OUTSIDE = OwnerKey.OUTSIDE


async def test_an_owner_signs_what_was_asked_for(scene: Scene) -> None:
    """One signature, one transaction, whatever the sessions of the account may do."""
    holding = await scene.wallet(OUTSIDE)
    asked = await ask(scene, holding, scene.transfer(3 * USDC), Call(BOB, 7, b""))
    assert asked.state is ActivityState.AWAITING
    assert (asked.intent, asked.run, asked.session_id, asked.fees) == (None, None, None, ())
    done = await sign(scene, asked, holding.secret)
    assert done.state is ActivityState.DONE
    assert done.id == asked.id
    assert (await scene.balance(ALICE), await scene.chain.balance(BOB)) == (3 * USDC, 7)


async def test_nothing_at_all_can_be_signed(scene: Scene) -> None:
    """An empty batch is mined as any other, and uses up its nonce."""
    holding = await scene.wallet(OUTSIDE)
    done = await sign(scene, await ask(scene, holding), holding.secret)
    assert done.state is ActivityState.DONE


async def test_only_the_owner_of_the_account_is_heard(scene: Scene) -> None:
    """Another's signature, that of another digest, the form that is not taken, and no signature."""
    holding, other = await scene.wallet(OUTSIDE), await scene.wallet(OUTSIDE)
    asked = await ask(scene, holding, scene.transfer(USDC))
    another = await ask(scene, holding, scene.transfer(USDC))
    assert holding.secret is not None
    assert other.secret is not None
    before = await dump(scene.world)
    for signature in (
        signature_of(asked, other.secret),
        signature_of(another, holding.secret),
        signature_of(asked, holding.secret, personal=True),
        bytes(65),
        b"",
        signature_of(asked, holding.secret)[:64],
    ):
        with pytest.raises(Malformed) as refused:
            await bring(scene, asked, signature)
        assert refused.value.code is Code.MALFORMED_SIGNATURE
    assert await dump(scene.world) == before
    assert (await sign(scene, asked, holding.secret)).state is ActivityState.DONE


async def test_the_same_signature_twice_is_one_transaction(scene: Scene) -> None:
    """Also from several at once, and again when it is over."""
    holding = await scene.wallet(OUTSIDE)
    asked = await ask(scene, holding, scene.transfer(USDC))
    both = await asyncio.gather(*(sign(scene, asked, holding.secret) for _ in range(3)))
    again = await sign(scene, asked, holding.secret)
    assert {one.id for one in (*both, again)} == {asked.id}
    assert again.state is ActivityState.DONE
    assert len(again.attempts) == 1
    assert await scene.balance(ALICE) == USDC


async def test_many_wait_and_are_signed_in_any_order(scene: Scene) -> None:
    """None holds up another: each has a nonce key of its own."""
    holding = await scene.wallet(OUTSIDE)
    asked = [await ask(scene, holding, scene.transfer(1)) for _ in range(35)]
    for one in reversed(asked):
        assert (await sign(scene, one, holding.secret)).state is ActivityState.DONE
    assert await scene.balance(ALICE) == 35


async def test_a_signature_after_the_deadline_comes_too_late(scene: Scene) -> None:
    """The deadline is the first second at which it is not taken; nothing was spent."""
    holding = await scene.wallet(OUTSIDE)
    late, last = [await ask(scene, holding, scene.transfer(USDC)) for _ in range(2)]
    assert late.execution is not None
    assert late.execution.deadline == scene.clock.now() + LIFE_S
    scene.clock.advance(LIFE_S - 1)
    assert (await sign(scene, last, holding.secret)).state is ActivityState.DONE
    scene.clock.advance(1)
    lapsed = await sign(scene, late, holding.secret)
    assert lapsed.state is ActivityState.LAPSED
    assert lapsed.outcome is not None
    assert lapsed.outcome.code == Code.DEADLINE_PASSED
    assert (lapsed.attempts, lapsed.fees) == ((), ())
    assert await scene.balance(ALICE) == USDC


async def test_what_nobody_signs_lapses(scene: Scene) -> None:
    """It is not left waiting for ever; until then it is left alone."""
    holding = await scene.wallet(OUTSIDE)
    asked = await ask(scene, holding, scene.transfer(USDC))
    scene.clock.advance(LIFE_S - 1)
    assert (await reconcile(scene.world)).activities == 0
    scene.clock.advance(1)
    assert (await reconcile(scene.world)).activities == 1
    lapsed = await sign(scene, asked, holding.secret)
    assert lapsed.state is ActivityState.LAPSED


async def test_calls_that_revert_cost_nothing(scene: Scene) -> None:
    """They are refused by the simulation, with the target's reason; another may be signed."""
    holding = await scene.wallet(OUTSIDE)
    failed = await sign(scene, await ask(scene, holding, scene.transfer(10**12)), holding.secret)
    assert failed.state is ActivityState.FAILED
    assert failed.outcome is not None
    assert failed.outcome.code == Code.CALL_REVERTED
    assert (failed.attempts, failed.fees) == ((), ())
    done = await sign(scene, await ask(scene, holding, scene.transfer(1)), holding.secret)
    assert done.state is ActivityState.DONE


async def test_gas_is_paid_from_what_the_user_may_have(scene: Scene) -> None:
    """An owner's calls are booked to the fees of the user whose account it is."""
    ada = await user(scene)
    holding = await scene.wallet(OUTSIDE, user_id=ada.id)
    for limit, state in ((10**18, ActivityState.DONE), (1, ActivityState.FAILED)):
        command = budgets.SetBudget(ada.id, FEES, limit, 0)
        await budgets.set_budget(scene.world, scene.principal, scene.request(), command)
        asked = await ask(scene, holding, scene.transfer(1))
        ended = await sign(scene, asked, holding.secret)
        assert ended.state is state
    assert ended.outcome is not None
    assert ended.outcome.code == Code.SPONSORSHIP_EXCEEDED
    key = line_id(ada.id, FEES)
    line = await scene.world.store.read(lambda view: view.get(BudgetLine, key))
    assert line is not None
    assert line.counter.spent > 0


async def test_calls_may_not_need_more_gas_than_a_run(scene: Scene) -> None:
    """Whoever signs them, the operator pays for so much at most."""
    holding = await scene.wallet(OUTSIDE)
    scene.with_bounds(run_gas=100_000)
    failed = await sign(scene, await ask(scene, holding, *[scene.transfer(1)] * 9), holding.secret)
    assert failed.outcome is not None
    assert failed.outcome.code == Code.SPONSORSHIP_EXCEEDED
