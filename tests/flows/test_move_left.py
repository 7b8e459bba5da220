"""An organization that has left: what goes on by itself here writes nothing of it any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.flows.looks import state
from tests.flows.test_watch import kill_past_us, let_it_be_due
from tests.worlds import dump
from valetkey.adapters.outbound.memory import MemoryOutbound
from valetkey.core.errors import Code, Forbidden
from valetkey.core.event import REFUSAL_BURST
from valetkey.core.session import Proof, State
from valetkey.core.wallet import OwnerKey
from valetkey.core.webhook import GONE
from valetkey.flows import webhooks
from valetkey.flows.deliver import deliver_next
from valetkey.flows.deliveries import try_webhook
from valetkey.flows.move import leave, stay
from valetkey.flows.refused import note_refused
from valetkey.flows.watch import look_at_sessions
from valetkey.ports import Posted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.flows.scene import Scene

THERE: Final = b"\x07" * 32


async def gone(scene: Scene) -> dict[str, list[object]]:
    """Have the organization leave, and return all that is in the store."""
    await leave(scene.world, scene.principal.organization_id, import_key=THERE)
    return await dump(scene.world)


async def hook(scene: Scene) -> str:
    """Return a webhook that hears of refusals."""
    added, _ = await webhooks.add_webhook(
        scene.world,
        scene.principal,
        scene.request(),
        url="https://shop.example/hook",
        events=(REFUSAL_BURST,),
        label="",
    )
    return added.id


async def test_what_its_chain_says_is_written_where_it_went(scene: Scene) -> None:
    """Its log is there: a line here would fork it, and be one that its owner never sees."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    await kill_past_us(scene, held)
    before = await gone(scene)
    let_it_be_due(scene)
    assert await look_at_sessions(scene.world) == 0
    after = await dump(scene.world)
    assert after.pop("Watch") != before.pop("Watch")  # others come first
    assert after == before
    await stay(scene.world, scene.principal.organization_id)
    let_it_be_due(scene)
    assert await look_at_sessions(scene.world) == 1
    assert await state(scene, held.id) is State.REVOKED


async def test_refusals_are_counted_where_it_went(scene: Scene) -> None:
    """Whoever goes on asking here writes nothing by it."""
    await hook(scene)
    scene.with_bounds(refusals=1)
    held = await scene.open(await scene.wallet())
    before = await gone(scene)
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.ORGANIZATION_MOVED
    await note_refused(scene.world, scene.principal, wallet_id="wal_1", code=Code.NOT_ALLOWED)
    assert await dump(scene.world) == before


class Leaving(MemoryOutbound):
    """Posts, and before the answer comes the organization has left."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.before: dict[str, list[object]] = {}

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """Leave, and answer that the receiver is gone for good."""
        await super().post(url, headers, body)
        self.before = await gone(self.scene)
        return Posted(GONE)


async def test_what_a_receiver_answers_is_heard_where_it_went(scene: Scene) -> None:
    """It is told once more by the other server: at least once, under the same id."""
    webhook_id = await hook(scene)
    await try_webhook(scene.world, scene.principal, scene.request(), webhook_id=webhook_id)
    sending = Leaving(scene)
    assert await deliver_next(replace(scene.world, outbound=sending))
    assert len(sending.kept) == 1
    assert await dump(scene.world) == sending.before
