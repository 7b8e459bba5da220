"""What owners and session keys signed is told of when it is on its way, before it is mined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flows.executing import ask, sign
from tests.flows.scene import USDC
from valetkey.core.activity import ActivityState
from valetkey.core.audit import AuditLine
from valetkey.core.event import SENT
from valetkey.core.wallet import OwnerKey

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def lines(scene: Scene) -> list[AuditLine]:
    """Return the log of the organization, oldest first."""
    owner = scene.founded.organization.id
    return await scene.world.store.read(lambda view: view.find(AuditLine, organization_id=owner))


async def test_an_execution_is_told_of_once_on_its_way(scene: Scene) -> None:
    """With the hash that it is mined under, and before its end is told."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    asked = await ask(scene, holding, scene.transfer(USDC))
    assert SENT not in {one.event for one in await lines(scene)}
    done = await sign(scene, asked, holding.secret)
    assert done.state is ActivityState.DONE
    told = [one for one in await lines(scene) if one.subject_id == asked.id]
    assert [one.event for one in told][-2:] == [SENT, "activity:done"]
    assert done.outcome is not None
    assert done.outcome.tx_hash is not None
    tx_hash = f"0x{done.outcome.tx_hash.hex()}"
    assert told[-2].facts == {"kind": "account:execute", "tx_hash": tx_hash}


async def test_a_run_is_told_of_at_its_end_alone(scene: Scene) -> None:
    """Nobody waits for more: the log has one line less for each."""
    held = await scene.open(await scene.wallet())
    await scene.run(held, scene.transfer(USDC))
    events = [one.event for one in await lines(scene)]
    assert "activity:done" in events
    assert SENT not in events
