"""Registrations that are stopped, come too late, or whose process ends on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.scene import make_scene
from valetkey.core.activity import SETTLED, ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Conflict
from valetkey.core.grant import KillBy
from valetkey.core.session import State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import (
    freeze,
    reconcile,
    register,
    stop,
)

if TYPE_CHECKING:
    from tests.flows.scene import Scene
from tests.flows.registering import (
    PERSONAL,
    asked,
    now,
    own_note,
    registered,
    settled,
    signed,
    stage,
)


async def test_a_pending_session_is_not_frozen_while_it_is_on_its_way(scene: Scene) -> None:
    """It is not open yet; once it is, freezing stops it as any other."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    scene.line.refused["eth_sendRawTransaction"] = "not now"
    waiting = await registered(scene, holding, session)
    assert waiting.session.state is State.PENDING
    with pytest.raises(Conflict):
        await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=session.id)
    del scene.line.refused["eth_sendRawTransaction"]
    assert await settled(scene, waiting.activity) is ActivityState.DONE
    frozen = await freeze.freeze(
        scene.world, scene.principal, scene.request(), session_id=session.id
    )
    assert frozen.session.state is State.FROZEN


WHEN = {"not handed over yet": "eth_sendRawTransaction", "not simulated yet": "eth_estimateGas"}


@pytest.mark.parametrize("method", WHEN.values(), ids=WHEN)
@pytest.mark.parametrize("kill_by", KillBy)
async def test_a_session_stopped_on_its_way_to_the_chain_ends_there_too(
    scene: Scene, kill_by: KillBy, method: str
) -> None:
    """Whatever is mined first: nobody can open the grant afterwards."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    note = await own_note(scene, holding, session) if kill_by is KillBy.OWNER else None
    scene.line.refused[method] = "not now"
    waiting = await registered(scene, holding, session, kill_note=note)
    assert waiting.activity.state not in SETTLED
    stopped = await stop.revoke(
        scene.world, scene.principal, scene.request(), session_id=session.id
    )
    assert stopped.session.state is State.REVOKED
    del scene.line.refused[method]
    await settled(scene, waiting.activity)
    assert await settled(scene, stopped.activity) is ActivityState.DONE
    assert await stage(scene, holding, session) is GrantStage.REVOKED
    assert (await now(scene, session)).state is State.REVOKED


@pytest.mark.parametrize("kill_by", KillBy)
async def test_a_signature_that_comes_after_the_end_ends_it_on_chain(
    scene: Scene, kill_by: KillBy
) -> None:
    """Whoever has the signature could open it there: so it is revoked there at once."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    note = await own_note(scene, holding, session) if kill_by is KillBy.OWNER else None
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=session.id)
    request = scene.request()
    ended = [
        await register.register(
            scene.world,
            scene.principal,
            request,
            session_id=session.id,
            owner_signature=signed(holding, session),
            kill_note=note,
        )
        for _ in range(2)
    ]
    assert ended[0] == ended[1]
    assert ended[0].session.state is State.REVOKED
    assert (ended[0].activity.kind, ended[0].activity.state) == (
        "session:revoke",
        ActivityState.DONE,
    )
    assert await stage(scene, holding, session) is GrantStage.REVOKED


POINTS = (
    "register:before_sign",
    "register:after_sign",
    "register:before_plan",
    "register:after_plan",
    "relay:before_plan",
    "relay:after_plan",
    "relay:before_send",
    "relay:after_send",
    "relay:before_settle",
    "relay:after_settle",
)


@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_on_the_way_to_the_chain_is_brought_to_its_end(point: str) -> None:
    """Until it is planned the owner has signed nothing; from then on the next round opens it."""
    scene = await make_scene()
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    whole = scene.world
    scene.world = replace(whole, checkpoint=CrashAt(point))
    with pytest.raises(Crash):
        await registered(scene, holding, session)
    scene.world = whole
    for _ in range(3):
        await reconcile.reconcile(scene.world)
    if point in POINTS[:3]:
        assert (await now(scene, session)) == session
        await registered(scene, holding, session)
    assert (await now(scene, session)).state is State.OPEN
    assert await stage(scene, holding, session) is GrantStage.OPEN
