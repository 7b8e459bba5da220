"""A session is open when its registration is deep: a block that goes takes the account with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flows.looks import again
from tests.flows.registering import PERSONAL, asked, now, registered, stage
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.session import State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import reconcile

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def test_a_registration_whose_block_was_taken_back_is_brought_again(scene: Scene) -> None:
    """Pending until it is deep enough; made again with its account, and then open."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    scene.with_bounds(confirmations=3)
    waiting = await registered(scene, holding, session)
    assert waiting.activity.state is ActivityState.INCLUDED
    assert waiting.session.state is State.PENDING
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    scene.rpc.ask("anvil_reorg", 1, [])
    scene.rpc.ask("anvil_dropAllTransactions")
    assert not await scene.chain.has_code(holding.account.address)
    await reconcile.reconcile(scene.world)
    assert (await again(scene, waiting.activity)).state is ActivityState.SENDING
    scene.rpc.ask("evm_setAutomine", True)  # noqa: FBT003 - JSON-RPC's own
    for _ in range(4):
        await reconcile.reconcile(scene.world)
        scene.rpc.ask("evm_mine")
    await reconcile.reconcile(scene.world)
    assert (await again(scene, waiting.activity)).state is ActivityState.DONE
    assert (await now(scene, session)).state is State.OPEN
    assert await stage(scene, holding, session) is GrantStage.OPEN
