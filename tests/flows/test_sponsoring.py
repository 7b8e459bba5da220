"""A sponsorship is asked when something is planned, and counts it when it goes off."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_stranger
from tests.flows.scene import USDC
from tests.flows.sponsors import (
    ACCOUNT,
    CALLS,
    asked,
    counted,
    gas,
    holder,
    planned,
    rule,
    shown,
    sponsorship,
    times,
    used,
)
from tests.worlds import CHAIN
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import Code, Forbidden, NotFound
from valetkey.core.sponsor_limit import LimitKind
from valetkey.core.sponsoring import Sponsored
from valetkey.core.sponsorship import Fund
from valetkey.flows import sponsorships
from valetkey.flows.sponsoring import count_sponsored, expect_sponsored

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.activity import Intent

PLENTY = 10**18


async def asks(scene: Scene, one: str | None, wanted: Sponsored) -> None:
    """Ask a sponsorship, as a flow does that plans."""
    owner = scene.principal.organization_id
    now = scene.clock.now()
    await scene.world.store.read(lambda view: expect_sponsored(view, owner, one, wanted, now=now))


async def is_refused(scene: Scene, one: str, wanted: Sponsored) -> Forbidden:
    """Return why a sponsorship does not pay."""
    with pytest.raises(Forbidden) as refused:
        await asks(scene, one, wanted)
    return refused.value


def registering(held: Held) -> Sponsored:
    """Return the act of registering a session."""
    account = held.holding.account
    return Sponsored(CHAIN, account.id, account.address, "registering a session")


async def test_registering_needs_a_rule_for_the_account(scene: Scene) -> None:
    """Refused with the rule that is missing and what to do, accepted once it is there."""
    held = await holder(scene)
    one = await sponsorship(scene, CALLS)
    refused = await is_refused(scene, one.id, registering(held))
    assert (refused.code, refused.facts) == (Code.NOT_SPONSORED, {"rule": "account_functions"})
    assert "registering a session; add a rule of type account_functions" in refused.detail
    await rule(scene, one, ACCOUNT)
    await asks(scene, one.id, registering(held))


async def test_calls_need_a_rule_for_them(scene: Scene) -> None:
    """No rule at all pays for nothing."""
    held = await holder(scene)
    one = await sponsorship(scene)
    run = await planned(scene, held, one)
    refused = await is_refused(scene, one.id, asked(held, run))
    assert refused.facts == {"rule": "contract_functions"}
    with pytest.raises(Forbidden):
        await counted(scene, held, run)
    await rule(scene, one, CALLS)
    await asks(scene, one.id, asked(held, run))
    assert (await counted(scene, held, run)).uses == ()


async def test_without_a_sponsorship_the_fund_pays_for_anything(scene: Scene) -> None:
    """As for native sessions; nothing is asked, nothing counted."""
    held = await holder(scene)
    await asks(scene, None, registering(held))
    run = await scene.ask(held, scene.transfer(USDC))
    assert (await counted(scene, held, run)).uses == ()


async def test_of_another_organization_it_is_not_there(scene: Scene) -> None:
    """Its id alone is worth nothing, at planning and when it goes off."""
    held = await holder(scene)
    stranger = (await make_stranger(scene)).principal
    one = await sponsorship(scene, CALLS, ACCOUNT)
    theirs = await sponsorships.add_sponsorship(
        scene.world, stranger, scene.request(), sponsorships.Promise("theirs")
    )
    run = await planned(scene, held, theirs.sponsorship)
    for named in (theirs.sponsorship.id, "spn_none"):
        with pytest.raises(NotFound):
            await asks(scene, named, registering(held))
    with pytest.raises(NotFound):
        await counted(scene, held, run)
    with pytest.raises(NotFound):
        await shown(scene.world, stranger, one.id)


async def test_off_or_deleted_between_planning_and_signing_it_pays_no_more(scene: Scene) -> None:
    """It is asked again in the transaction that makes the run ready."""
    held = await holder(scene)
    one = await sponsorship(scene, CALLS)
    run = await planned(scene, held, one)
    await asks(scene, one.id, asked(held, run))
    for is_enabled in (False, True):
        await sponsorships.switch_sponsorship(
            scene.world,
            scene.principal,
            scene.request(),
            sponsorship_id=one.id,
            is_enabled=is_enabled,
        )
        if not is_enabled:
            with pytest.raises(Forbidden, match="is disabled; switch it on"):
                await counted(scene, held, run)
    await counted(scene, held, run)
    await sponsorships.remove_sponsorship(
        scene.world, scene.principal, scene.request(), sponsorship_id=one.id
    )
    with pytest.raises(Forbidden, match="was deleted"):
        await counted(scene, held, run)


async def test_the_one_after_the_limit_is_refused(stored: Scene) -> None:
    """Until the next interval, told when; planning says so before anybody signs."""
    held = await holder(stored)
    one = await sponsorship(stored, CALLS)
    limit = await rule(stored, one, times(2))
    runs = [await planned(stored, held, one) for _ in range(3)]
    for run in runs[:2]:
        assert len((await counted(stored, held, run)).uses) == 1
    with pytest.raises(Forbidden) as refused:
        await counted(stored, held, runs[2])
    assert refused.value.code is Code.SPONSORSHIP_EXCEEDED
    again = refused.value.facts["again_at"]
    assert again == limit.created_at + 60
    assert (await is_refused(stored, one.id, asked(held, runs[2]))).code is refused.value.code
    assert await used(stored, limit) == 2
    stored.clock.advance(60)
    await asks(stored, one.id, asked(held, runs[2]))
    await counted(stored, held, runs[2])
    assert await used(stored, limit) == 1


async def test_counted_once_however_often_it_is_made_ready(scene: Scene) -> None:
    """A signature that is sent again changes nothing."""
    held = await holder(scene)
    one = await sponsorship(scene, CALLS)
    limit = await rule(scene, one, times(5))
    run = await planned(scene, held, one)
    assert await counted(scene, held, run) == await counted(scene, held, run)
    assert await used(scene, limit) == 1


async def test_any_number_at_once_are_counted(stored: Scene) -> None:
    """Never more than the limit, whatever comes together."""
    held = await holder(stored)
    one = await sponsorship(stored, CALLS)
    limit = await rule(stored, one, times(3))
    runs = [await planned(stored, held, one) for _ in range(8)]
    ended = await asyncio.gather(
        *(counted(stored, held, run) for run in runs), return_exceptions=True
    )
    assert sum(isinstance(one, Activity) for one in ended) == 3
    assert sum(isinstance(one, Forbidden) for one in ended) == 5
    assert await used(stored, limit) == 3


async def test_what_never_reached_the_chain_is_given_back(scene: Scene) -> None:
    """And what did stays counted, with the gas that it really cost."""
    held = await holder(scene)
    one = await sponsorship(scene, CALLS)
    uses, wei = await rule(scene, one, times(5)), await rule(scene, one, gas(PLENTY))
    late, mined = [await planned(scene, held, one) for _ in range(2)]
    await counted(scene, held, late)
    await counted(scene, held, mined)
    done = await scene.sign(held, mined)
    assert done.outcome is not None
    assert (done.state, len(done.uses)) == (ActivityState.DONE, 1)
    assert await used(scene, uses) == 2
    assert await used(scene, wei) == done.outcome.fee_wei > 0
    scene.clock.advance(scene.world.bounds.run_deadline_s)
    lapsed = await scene.sign(held, late)
    assert (lapsed.state, lapsed.uses) == (ActivityState.LAPSED, ())


@pytest.mark.parametrize("kind", [LimitKind.GAS_PER_INTERVAL, LimitKind.GAS_PER_TRANSACTION])
async def test_gas_is_paid_up_to_the_limit(scene: Scene, kind: LimitKind) -> None:
    """By the most that it can cost: what could cost more is not sent, and not counted."""
    held = await holder(scene)
    one = await sponsorship(scene, CALLS)
    uses, _ = await rule(scene, one, times(5)), await rule(scene, one, gas(1, kind))
    run = await planned(scene, held, one)
    await counted(scene, held, run)
    failed = await scene.sign(held, run)
    assert failed.outcome is not None
    assert failed.outcome.code == Code.SPONSORSHIP_EXCEEDED
    assert (failed.state, failed.attempts) == (ActivityState.FAILED, ())
    assert await used(scene, uses) == 0
    enough = await sponsorship(scene, CALLS, gas(PLENTY, kind))
    run = await planned(scene, held, enough)
    assert (await scene.sign(held, run)).state is ActivityState.DONE


async def test_gas_of_an_interval_is_what_was_really_paid(scene: Scene) -> None:
    """The ceiling is held until it is mined; the next one has the rest, or waits."""
    held = await holder(scene)
    one = await sponsorship(scene, CALLS)
    before = await scene.sign(held, await planned(scene, held, one))
    most = before.attempts[0].transaction.ceiling_wei()
    limit = await rule(scene, one, gas(most))
    paid = 0
    for _ in range(30):
        run = await scene.sign(held, await planned(scene, held, one))
        assert run.outcome is not None
        paid += run.outcome.fee_wei
        if run.state is ActivityState.FAILED:
            break
        assert await used(scene, limit) == paid
    assert run.outcome is not None
    assert run.outcome.code == Code.SPONSORSHIP_EXCEEDED
    assert await used(scene, limit) == paid
    assert 0 < paid <= most
    scene.clock.advance(60)
    last = await planned(scene, held, one)
    assert (await scene.sign(held, last)).state is ActivityState.DONE


async def test_deleted_before_it_is_sent_it_pays_nothing(scene: Scene) -> None:
    """What was counted already is given back: the sponsor has the last word."""
    held = await holder(scene)
    one = await sponsorship(scene, CALLS)
    uses = await rule(scene, one, times(5))
    run = await planned(scene, held, one)
    await counted(scene, held, run)
    await sponsorships.remove_sponsorship(
        scene.world, scene.principal, scene.request(), sponsorship_id=one.id
    )
    failed = await scene.sign(held, run)
    assert failed.outcome is not None
    assert failed.outcome.code == Code.NOT_SPONSORED
    assert await used(scene, uses) == 0


async def test_a_stop_is_neither_refused_nor_counted(scene: Scene) -> None:
    """Whoever wants to end a session is never told that a sponsorship is used up."""
    held = await holder(scene)
    one = await sponsorship(scene)
    limit = await rule(scene, one, times(0))
    run = await planned(scene, held, one)
    done = await scene.sign(held, await scene.ask(held, scene.transfer(USDC)))
    assert done.intent is not None
    intent: Intent = replace(done.intent, fund=Fund.STOPS)
    stop = replace(run, intent=intent)
    counts = await scene.world.store.write(
        lambda tx: count_sponsored(scene.world, tx, stop, asked(held, stop))
    )
    assert counts == stop
    assert await used(scene, limit) == 0
