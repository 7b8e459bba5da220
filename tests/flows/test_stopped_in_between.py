"""A stop that comes between a run's plan and its transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.scene import USDC
from valetkey.flows import freeze, reconcile, stop

if TYPE_CHECKING:
    from tests.flows.scene import Scene


@pytest.mark.parametrize("how", ["freeze", "revoke"])
@pytest.mark.parametrize("point", ["relay:after_plan", "relay:after_sign"])
async def test_a_run_that_was_never_sent_is_not_sent_after_a_stop(
    scene: Scene, how: str, point: str
) -> None:
    """Refused from this answer on: what was only planned then stays undone for ever."""
    held = await scene.open(await scene.wallet())
    scene.with_bounds(wait_s=0)  # the stop waits behind the nonce of the run
    sane = scene.world
    scene.world = replace(sane, checkpoint=CrashAt(point))
    with pytest.raises(Crash):
        await scene.run(held, scene.transfer(USDC))
    scene.world = sane
    stopping = freeze.freeze if how == "freeze" else stop.revoke
    await stopping(scene.world, scene.principal, scene.request(), session_id=held.id)
    for _ in range(3):
        scene.clock.advance(2)
        await reconcile.reconcile(scene.world)
    assert await scene.moved() == 0
