"""A rate: so many calls in each window, which this server alone counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.scene import ALICE, USDC
from tests.worlds import SeededEntropy
from valetkey.core.activity import ActivityState
from valetkey.core.errors import Code, Forbidden, Malformed, ValetkeyError
from valetkey.core.permission.model import Rate
from valetkey.core.session import Proof
from valetkey.flows import preview, reads

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.permission.decide import Spent
    from valetkey.core.permission.model import Permission
    from valetkey.flows.shown import Left

RATE = Rate(calls=2, window_s=60)


def rated(scene: Scene) -> Permission:
    """Return a permission with the rate, bound to this server's relayer."""
    return scene.permission(rate=RATE, relayer=scene.world.relayer_address)


async def shown(scene: Scene, held: Held) -> tuple[Spent, Left]:
    """Return what is booked, and what the rate still allows."""
    found = await reads.session(scene.world, scene.principal, session_id=held.session.id)
    assert found.rate is not None
    return found.usage.spent, found.rate


async def try_run(scene: Scene, world: object, held: Held) -> str:
    """Make a run in *world*, and return how it ended."""
    other = replace(scene, world=world)  # type: ignore[arg-type]  # a world like the scene's
    try:
        return (await other.run(held, scene.transfer(USDC))).state
    except ValetkeyError as refused:
        return refused.code


async def test_many_runs_at_once_never_pass_the_rate(scene: Scene) -> None:
    """Checked and counted in one transaction, from two processes at once."""
    held = await scene.open(await scene.wallet(), permission=rated(scene))
    second = replace(scene.world, entropy=SeededEntropy(7))
    worlds = [scene.world, second] * 3
    results = await asyncio.gather(*(try_run(scene, world, held) for world in worlds))
    assert results.count("done") == 2
    assert results.count(Code.RATE_EXCEEDED) == 4
    assert await scene.balance(ALICE) == 2 * USDC


async def test_the_next_window_begins_at_nothing(scene: Scene) -> None:
    """What is left is shown for the window that it is now, and when that ends."""
    held = await scene.open(await scene.wallet(), permission=rated(scene))
    started = held.session.starts_at
    await scene.run(held, scene.transfer(USDC), scene.transfer(USDC))
    _, left = await shown(scene, held)
    assert (left.limit, left.spent, left.window_ends_at) == (2, 2, started + 60)
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(USDC))
    assert refused.value.code is Code.RATE_EXCEEDED
    scene.clock.advance(started + 60 - scene.clock.now())
    _, left = await shown(scene, held)
    assert (left.spent, left.window_ends_at) == (0, started + 120)
    assert (await scene.run(held, scene.transfer(USDC))).state is ActivityState.DONE
    assert (await shown(scene, held))[1].spent == 1


async def test_a_run_that_never_happened_is_given_back(scene: Scene) -> None:
    """Only to the window that it was booked to, with all else that it had booked."""
    held = await scene.open(await scene.wallet(), proof=Proof.CHAIN, permission=rated(scene))
    planned = await scene.ask(held, scene.transfer(USDC))
    assert planned.run is not None
    assert planned.run.deadline <= held.session.starts_at + 60
    spent, _ = await shown(scene, held)
    assert (spent.calls, spent.rate.spent) == (1, 1)
    scene.clock.advance(planned.run.deadline - scene.clock.now())
    assert (await scene.sign(held, planned)).state is ActivityState.LAPSED
    spent, _ = await shown(scene, held)
    assert (spent.calls, spent.rate.spent) == (0, 0)


async def test_a_preview_says_that_the_rate_is_used_up(scene: Scene) -> None:
    """As the run would: and books nothing."""
    held = await scene.open(await scene.wallet(), permission=rated(scene))
    calls = [scene.transfer(1)] * 3
    answer = await preview.preview(
        scene.world, scene.principal, session_id=held.session.id, calls=calls
    )
    assert getattr(answer, "code", None) is Code.RATE_EXCEEDED
    assert (await shown(scene, held))[0].rate.spent == 0


async def test_a_holder_who_can_pass_this_server_gets_no_rate(scene: Scene) -> None:
    """The chain does not count it, so such a session is refused."""
    holding = await scene.wallet()
    with pytest.raises(Malformed) as refused:
        await scene.open(holding, proof=Proof.CHAIN, permission=scene.permission(rate=RATE))
    assert (refused.value.code, refused.value.facts["caveat"]) == (Code.NOT_ON_CHAIN, "rate")
