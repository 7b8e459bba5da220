"""Ending sessions whose time is over: here alone, or on their chain too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.looks import stage, state
from tests.flows.scene import HOUR_S, USDC
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.session import State
from valetkey.flows import stop
from valetkey.flows.stop import Scope, Stopped

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene


async def revoke(scene: Scene, held: Held) -> Stopped:
    """Revoke as the organization."""
    return await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)


@pytest.mark.parametrize("scope", [None, Scope.ORGANIZATION])
@pytest.mark.parametrize("is_used", [False, True])
async def test_a_session_that_was_idle_for_too_long_is_killed_where_it_is_alive(
    scene: Scene, scope: Scope | None, *, is_used: bool
) -> None:
    """Only the server counts idle time: its chain takes the grant until somebody ends it there."""
    limits = scene.permission(relayer=scene.world.relayer_address)
    held = await scene.open(await scene.wallet(), permission=limits, idle_s=60)
    if is_used:
        await scene.run(held, scene.transfer(USDC))
    scene.clock.advance(60)
    assert await state(scene, held.id) is State.EXPIRED
    assert await stage(scene, held) is (GrantStage.OPEN if is_used else GrantStage.UNKNOWN)
    if scope is None:
        stopped = await revoke(scene, held)
    else:
        key = scene.founded.organization.id
        request = scene.request()
        (stopped,) = await stop.revoke_all(
            scene.world, scene.principal, request, scope=scope, scope_id=key
        )
    assert stopped.activity.state is ActivityState.DONE
    assert await stage(scene, held) is GrantStage.REVOKED
    assert await state(scene, held.id) is State.REVOKED
    again = await revoke(scene, held)
    assert (again.activity.state, again.activity.attempts) == (ActivityState.DONE, ())


async def test_a_session_whose_time_is_over_is_left_as_it_is(scene: Scene) -> None:
    """Its chain refuses it too, so nobody pays for a kill."""
    held = await scene.open(await scene.wallet())
    scene.clock.advance(HOUR_S)
    stopped = await revoke(scene, held)
    assert (stopped.activity.state, stopped.activity.intent) == (ActivityState.DONE, None)
    assert await state(scene, held.id) is State.EXPIRED
