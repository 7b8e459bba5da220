"""Executions that wait for a signature: bounded, over in time, and looked for only then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import ask, hold, sign
from tests.flows.looks import again
from tests.worlds import dump
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import Code, Limited
from valetkey.core.execution import LIFE_S
from valetkey.core.quota import ExecutionMark
from valetkey.core.wallet import OwnerKey
from valetkey.flows import reconcile
from valetkey.flows.unsigned import AT_ONCE

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def waiting(scene: Scene) -> int:
    """Return how many wait for a signature, as the marks say."""
    return await scene.world.store.read(lambda view: view.count(ExecutionMark))


async def test_so_many_of_an_account_wait_and_no_more(stored: Scene) -> None:
    """The attack: a client asks without end. Other accounts go on; a signature makes room."""
    stored.with_bounds(account_executions=2)
    flooded, other = [await stored.wallet(OwnerKey.OUTSIDE) for _ in range(2)]
    request = stored.request()
    first = await ask(stored, flooded, request=request)
    await ask(stored, flooded)
    before = await dump(stored.world)
    with pytest.raises(Limited, match="at most 2 executions of one account") as refused:
        await ask(stored, flooded)
    assert refused.value.code is Code.QUOTA_EXCEEDED
    assert refused.value.facts == {"quota": "account_executions", "limit": 2, "current": 2}
    assert await ask(stored, flooded, request=request) == first  # the same again is not one more
    assert await dump(stored.world) == before
    await ask(stored, other)
    assert (await sign(stored, first, flooded.secret)).state is ActivityState.DONE
    await ask(stored, flooded)


async def test_so_many_of_an_organization_wait_and_no_more(scene: Scene) -> None:
    """Whichever of its accounts they are of."""
    scene.with_bounds(executions=2)
    holdings = [await scene.wallet(OwnerKey.OUTSIDE) for _ in range(3)]
    for one in holdings[:2]:
        await ask(scene, one)
    with pytest.raises(Limited, match="of one organization") as refused:
        await ask(scene, holdings[2])
    assert refused.value.facts["quota"] == "executions"


async def test_of_many_at_once_as_many_wait_as_may(stored: Scene) -> None:
    """Counted in the transaction that adds."""
    stored.with_bounds(account_executions=3)
    holding = await stored.wallet(OwnerKey.OUTSIDE)
    asked = await asyncio.gather(*(ask(stored, holding) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, Limited) for one in asked) == 5
    assert await waiting(stored) == 3


@pytest.mark.parametrize("bound", ["account_executions", "executions"])
async def test_what_is_too_late_makes_room_by_itself(stored: Scene, bound: str) -> None:
    """No round of the server is waited for; not a second before, and as many as there are."""
    most = AT_ONCE + 3
    stored.with_bounds(**{bound: most})
    holding = await stored.wallet(OwnerKey.OUTSIDE)
    asked = [await ask(stored, holding) for _ in range(most)]
    stored.clock.advance(LIFE_S - 1)
    with pytest.raises(Limited):
        await ask(stored, holding)
    stored.clock.advance(1)
    anew = [await ask(stored, holding) for _ in range(most)]
    with pytest.raises(Limited):
        await ask(stored, holding)
    for one in asked:
        ended = await again(stored, one)
        assert ended.state is ActivityState.LAPSED
        assert ended.outcome is not None
        assert ended.outcome.code == Code.DEADLINE_PASSED
    assert await waiting(stored) == len(anew)


async def test_rounds_look_only_at_what_is_due(stored: Scene) -> None:
    """What waits for its signature is not read by every round, however much of it there is."""
    holding = await stored.wallet(OwnerKey.OUTSIDE)
    early = await ask(stored, holding)
    stored.clock.advance(60)
    late = await ask(stored, holding)
    found = await stored.world.store.read(lambda view: view.find(Activity, settled=0))
    assert found == []
    round_ = await reconcile.reconcile(stored.world)
    assert (round_.activities, round_.waiting, round_.oldest_at) == (0, 0, None)
    stored.clock.advance(LIFE_S - 60)
    assert (await reconcile.reconcile(stored.world)).activities == 1
    assert (await again(stored, early)).state is ActivityState.LAPSED
    assert (await again(stored, late)).state is ActivityState.AWAITING
    assert await waiting(stored) == 1


async def test_what_is_signed_waits_no_longer(scene: Scene) -> None:
    """By the owner or by a session's key; nor does what was signed too late."""
    held = await hold(scene, await scene.wallet(OwnerKey.OUTSIDE))
    by_owner, by_key, too_late = [await ask(scene, held.holding) for _ in range(3)]
    assert await waiting(scene) == 3
    await sign(scene, by_owner, held.holding.secret)
    assert await waiting(scene) == 2
    await sign(scene, by_key, held.secret)
    assert await waiting(scene) == 1
    scene.clock.advance(LIFE_S)
    assert (await sign(scene, too_late, held.holding.secret)).state is ActivityState.LAPSED
    assert await waiting(scene) == 0
