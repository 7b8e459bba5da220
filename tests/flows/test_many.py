"""However many there are: no stop overlooks one, and no holder makes the stops of others slow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.scene import USDC
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import Conflict
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.flows import open_session
from valetkey.flows.kill_again import endings_of
from valetkey.flows.leaving import leavings_of
from valetkey.flows.undelegate import undelegate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flows.scene import Held, Scene
    from valetkey.ports import Tx

MANY = 1001  # one more than a store gives at once


@pytest.fixture
async def flooded(scene: Scene) -> AsyncIterator[Held]:
    """Give a holder who has asked for so many runs that nobody has signed, before all else."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    asked = await scene.ask(held, scene.transfer(USDC))
    ids = [f"act_{number:024}" for number in range(MANY)]

    def add(tx: Tx) -> None:
        for one in ids:
            tx.add(replace(asked, id=one, request_key=one))

    def drop(tx: Tx) -> None:
        for one in ids:
            tx.drop(Activity, one)

    await scene.world.store.write(add)
    yield held
    await scene.world.store.write(drop)


async def test_an_account_that_leaves_is_seen_behind_any_number_of_runs(
    scene: Scene, flooded: Held
) -> None:
    """The attack: sessions begin although the account leaves, behind a thousand open runs."""
    holding = flooded.holding
    left = await undelegate(
        scene.world,
        scene.principal,
        scene.request(),
        account_id=holding.account.id,
        signature=None,
    )
    assert left.activity.state is ActivityState.AWAITING
    command = scene.command(holding, proof=Proof.CHAIN)
    with pytest.raises(Conflict, match=left.activity.id):
        await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    found = await scene.world.store.read(lambda view: leavings_of(view, holding.account.id))
    assert [one.id for one in found] == [left.activity.id]
    ends = await scene.world.store.read(lambda view: endings_of(view, flooded.session))
    assert [one.kind for one in ends] == ["session:revoke"]
