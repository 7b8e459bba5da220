"""Calls of an account that name a sponsorship: asked when prepared, counted when signed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import act, ask, bring, hold, sign, signature_of
from tests.flows.scene import MALLORY, USDC
from tests.flows.sponsors import ACCOUNT, CALLS, rule, sponsorship, times, used
from tests.flows.test_alerts import alerts, listen
from tests.worlds import dump
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import Code, Forbidden, NotFound
from valetkey.core.event import REFUSAL_BURST
from valetkey.core.wallet import OwnerKey
from valetkey.flows import sponsorships
from valetkey.flows.relay import read_activity

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def test_what_is_not_paid_is_not_prepared(scene: Scene) -> None:
    """Nothing is written down for it; with the rule that was named it is."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    one = await sponsorship(scene, ACCOUNT)
    before = await dump(scene.world)
    with pytest.raises(Forbidden, match="add a rule of type contract_functions"):
        await ask(scene, holding, scene.transfer(USDC), sponsorship_id=one.id)
    with pytest.raises(NotFound):
        await ask(scene, holding, scene.transfer(USDC), sponsorship_id="spn_none")
    assert await dump(scene.world) == before
    await rule(scene, one, CALLS)
    asked = await ask(scene, holding, scene.transfer(USDC), sponsorship_id=one.id)
    done = await sign(scene, asked, holding.secret)
    assert (done.state, done.sponsorship_id) == (ActivityState.DONE, one.id)


async def test_a_batch_without_calls_is_an_act_on_the_account(scene: Scene) -> None:
    """Rules for contracts do not pay for it."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    one = await sponsorship(scene, CALLS)
    with pytest.raises(Forbidden) as refused:
        await ask(scene, holding, sponsorship_id=one.id)
    assert refused.value.facts == {"rule": "account_functions"}
    await rule(scene, one, ACCOUNT)
    asked = await ask(scene, holding, sponsorship_id=one.id)
    assert (await sign(scene, asked, holding.secret)).state is ActivityState.DONE


async def test_of_many_signed_at_once_as_many_go_off_as_are_paid(stored: Scene) -> None:
    """The others wait on, nothing of them is spent, and go off in the next interval."""
    holding = await stored.wallet(OwnerKey.OUTSIDE)
    assert holding.secret is not None
    one = await sponsorship(stored, CALLS)
    limit = await rule(stored, one, times(2))
    asked = [
        await ask(stored, holding, stored.transfer(USDC), sponsorship_id=one.id) for _ in range(5)
    ]
    signed = [signature_of(run, holding.secret) for run in asked]
    brought = (bring(stored, run, by) for run, by in zip(asked, signed, strict=True))
    ended = await asyncio.gather(*brought, return_exceptions=True)
    done = [run for run in ended if isinstance(run, Activity)]
    refused = [why for why in ended if isinstance(why, Forbidden)]
    assert [run.state for run in done] == [ActivityState.DONE] * 2
    assert [why.code for why in refused] == [Code.SPONSORSHIP_EXCEEDED] * 3
    assert await used(stored, limit) == 2
    assert await stored.moved() == 2 * USDC
    left = [run for run in asked if run.id not in {one.id for one in done}]
    for run in left:
        assert (await read_activity(stored.world, run.id)).state is ActivityState.AWAITING
    stored.clock.advance(60)
    assert (await sign(stored, left[0], holding.secret)).state is ActivityState.DONE
    assert await used(stored, limit) == 1


async def test_switched_off_before_it_is_signed_it_waits(scene: Scene) -> None:
    """It goes off with the same signature once the sponsorship is on again."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    one = await sponsorship(scene, CALLS)
    asked = await ask(scene, holding, scene.transfer(USDC), sponsorship_id=one.id)

    async def switch(*, is_enabled: bool) -> None:
        await sponsorships.switch_sponsorship(
            scene.world,
            scene.principal,
            scene.request(),
            sponsorship_id=one.id,
            is_enabled=is_enabled,
        )

    await switch(is_enabled=False)
    with pytest.raises(Forbidden, match="disabled"):
        await sign(scene, asked, holding.secret)
    assert (await read_activity(scene.world, asked.id)).state is ActivityState.AWAITING
    assert await scene.moved() == 0
    await switch(is_enabled=True)
    assert (await sign(scene, asked, holding.secret)).state is ActivityState.DONE


async def test_what_the_chain_would_refuse_is_given_back(scene: Scene) -> None:
    """Simulated and refused, it never reached the chain; mined and failed, it is counted."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    one = await sponsorship(scene, CALLS)
    limit = await rule(scene, one, times(2))
    asked = await ask(scene, holding, scene.transfer(10**12), sponsorship_id=one.id)
    failed = await sign(scene, asked, holding.secret)
    assert (failed.state, failed.attempts) == (ActivityState.FAILED, ())
    assert await used(scene, limit) == 0


async def test_a_session_key_spends_nothing_of_what_is_not_paid(scene: Scene) -> None:
    """The use, and all that the session has of it, are booked together or not at all."""
    held = await hold(scene, await scene.wallet(OwnerKey.OUTSIDE))
    one = await sponsorship(scene, CALLS)
    limit = await rule(scene, one, times(1))
    first, second = [
        await ask(scene, held.holding, scene.transfer(USDC), sponsorship_id=one.id)
        for _ in range(2)
    ]
    done = await sign(scene, first, held.secret)
    assert (done.state, done.session_id) == (ActivityState.DONE, held.id)
    before = await dump(scene.world)
    with pytest.raises(Forbidden) as refused:
        await sign(scene, second, held.secret)
    assert refused.value.code is Code.SPONSORSHIP_EXCEEDED
    assert await dump(scene.world) == before
    scene.clock.advance(60)
    assert (await sign(scene, second, held.secret)).state is ActivityState.DONE
    assert await used(scene, limit) == 1


async def test_what_is_not_paid_is_no_refusal_of_the_session(scene: Scene) -> None:
    """It is the payer's: no burst is told of the session; what the session may not is one."""
    scene.with_bounds(refusals=1)
    await listen(scene, REFUSAL_BURST)
    held = await hold(scene, await scene.wallet(OwnerKey.OUTSIDE))
    one = await sponsorship(scene, CALLS)
    await rule(scene, one, times(1))
    paid, unpaid = [
        await ask(scene, held.holding, scene.transfer(USDC), sponsorship_id=one.id)
        for _ in range(2)
    ]
    await sign(scene, paid, held.secret)
    before = await dump(scene.world)
    with pytest.raises(Forbidden, match="count_per_interval"):
        await sign(scene, unpaid, held.secret)
    assert await dump(scene.world) == before
    with pytest.raises(Forbidden):
        await act(scene, held, scene.transfer(1, to=MALLORY))
    (told,) = await alerts(scene, REFUSAL_BURST)
    assert told.facts["last_code"] == Code.RECIPIENT_NOT_ALLOWED
