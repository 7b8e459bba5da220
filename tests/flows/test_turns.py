"""What concerns very many things is done to a few at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.flows.looks import stage
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.flows import stop
from valetkey.flows.stop import Scope
from valetkey.flows.turns import AT_ONCE, in_turns

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def test_no_more_than_a_few_are_under_way() -> None:
    """However many there are; and each answer is at the place of its question."""
    under_way, most = 0, 0

    async def act(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return number * number

    count = 5 * AT_ONCE + 1
    assert await in_turns(act, range(count)) == [number * number for number in range(count)]
    assert most == AT_ONCE
    assert await in_turns(act, ()) == []


async def test_all_that_are_revoked_together_end_on_their_chain(scene: Scene) -> None:
    """More than are brought there at once."""
    holding = await scene.wallet()
    held = [await scene.open(holding) for _ in range(AT_ONCE + 2)]
    request = scene.request()
    for _ in range(2):
        stopped = await stop.revoke_all(
            scene.world,
            scene.principal,
            request,
            scope=Scope.WALLET,
            scope_id=holding.wallet.id,
        )
        assert {one.session.id for one in stopped} == {one.id for one in held}
        assert {one.activity.state for one in stopped} == {ActivityState.DONE}
    assert {await stage(scene, one) for one in held} == {GrantStage.REVOKED}
