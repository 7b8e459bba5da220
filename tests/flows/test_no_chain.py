"""Stops go on when a node says no to everything, and when nobody speaks to the chain any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.looks import stage
from tests.flows.people import WHOLE
from tests.flows.scene import USDC
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.session import State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import freeze, reconcile, stop

if TYPE_CHECKING:
    from tests.flows.scene import Scene


@pytest.mark.parametrize("owner_key", WHOLE)
async def test_a_node_that_refuses_holds_up_no_freeze(scene: Scene, owner_key: OwnerKey) -> None:
    """A hostile node's no is worth its silence: frozen here, on chain when it answers again."""
    held = await scene.open(await scene.wallet(owner_key))
    await scene.run(held, scene.transfer(USDC))
    scene.line.refused["eth_getStorageAt"] = "not for you"
    unread = None if owner_key is OwnerKey.SEALED else bytes(65)
    frozen = await freeze.freeze(
        scene.world,
        scene.principal,
        scene.request(),
        session_id=held.id,
        owner_signature=unread,
    )
    assert frozen.session.state is State.FROZEN
    scene.line.refused.clear()
    await reconcile.reconcile(scene.world)
    is_ours = owner_key is OwnerKey.SEALED
    assert await stage(scene, held) is (GrantStage.FROZEN if is_ours else GrantStage.OPEN)


async def test_a_chain_that_is_not_configured_any_more_holds_up_no_stop(stored: Scene) -> None:
    """The sessions on it are refused, each stop is answered, and sent when the chain is back."""
    holding = await stored.wallet()
    revoked, frozen, closed = [await stored.open(holding) for _ in range(3)]
    for one in (revoked, frozen, closed):
        await stored.run(one, stored.transfer(USDC))
    without = replace(stored.world, chains={})
    done = [
        await stop.revoke(without, stored.principal, stored.request(), session_id=revoked.id),
        await freeze.freeze(without, stored.principal, stored.request(), session_id=frozen.id),
        await stop.close(without, closed.principal, stored.request()),
    ]
    found = [one.session.state for one in done]
    assert found == [State.REVOKED, State.FROZEN, State.CLOSED]
    assert not any(one.activity.state is ActivityState.DONE for one in done)
    await reconcile.reconcile(without)
    await reconcile.reconcile(stored.world)
    stages = [await stage(stored, one) for one in (revoked, frozen, closed)]
    assert stages == [GrantStage.REVOKED, GrantStage.FROZEN, GrantStage.REVOKED]
