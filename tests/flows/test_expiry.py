"""Time: the first second that counts, and the first that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.looks import state
from tests.flows.scene import HOUR_S
from valetkey.core.activity import ActivityState
from valetkey.core.errors import Code, Forbidden, Unauthenticated
from valetkey.core.session import Proof, State
from valetkey.flows import open_session, prove, reads
from valetkey.flows.prove import Bearer

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene


async def test_a_session_ends_exactly_at_its_end(scene: Scene) -> None:
    """``expires_at`` is the first second that is refused, on both planes."""
    held = await scene.open(await scene.wallet())
    scene.clock.set(held.session.expires_at - 1)
    done = await scene.run(held, scene.transfer(1))
    assert done.state is ActivityState.DONE
    assert done.run is not None
    assert done.run.deadline == held.session.expires_at
    scene.clock.set(held.session.expires_at)
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_EXPIRED
    assert await state(scene, held.id) is State.EXPIRED


async def test_a_session_begins_exactly_at_its_start(scene: Scene) -> None:
    """``starts_at`` is the first second that is accepted."""
    starts_at = scene.clock.now() + 60
    limits = scene.permission(starts_at=starts_at)
    held = await scene.open(await scene.wallet(), permission=limits)
    scene.clock.set(starts_at - 1)
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_NOT_STARTED
    scene.clock.set(starts_at)
    assert (await scene.run(held, scene.transfer(1))).state is ActivityState.DONE


async def test_use_moves_the_end_of_an_idle_session(scene: Scene) -> None:
    """It ends when it was not used for so long, and never after its absolute end."""
    command = scene.command(None, proof=Proof.BEARER, idle_s=600)
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    token = Bearer(opened.token or "")
    for _ in range(5):
        scene.clock.advance(599)
        await prove.authenticate(scene.world, token, is_write=False)
    shown = await reads.session(scene.world, scene.principal, session_id=opened.session.id)
    assert shown.ends_at == min(scene.clock.now() + 600, command.expires_at)
    scene.clock.advance(600)
    with pytest.raises(Unauthenticated) as refused:
        await prove.authenticate(scene.world, token, is_write=False)
    assert refused.value.code is Code.SESSION_EXPIRED
    assert await state(scene, opened.session.id) is State.EXPIRED


async def test_an_idle_session_still_has_an_absolute_end(scene: Scene) -> None:
    """However busy, it ends at ``expires_at``."""
    command = scene.command(None, proof=Proof.BEARER, idle_s=HOUR_S)
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    scene.clock.set(command.expires_at - 1)
    await prove.authenticate(scene.world, Bearer(opened.token or ""), is_write=False)
    scene.clock.set(command.expires_at)
    with pytest.raises(Unauthenticated):
        await prove.authenticate(scene.world, Bearer(opened.token or ""), is_write=False)


async def test_a_run_counts_as_use(scene: Scene) -> None:
    """A session that acts is not idle."""
    held = await scene.open(await scene.wallet(), idle_s=60)
    for _ in range(3):
        scene.clock.advance(59)
        assert (await scene.run(held, scene.transfer(1))).state is ActivityState.DONE
    scene.clock.advance(60)
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_EXPIRED


async def test_all_calls_used_is_not_the_end_of_reading(scene: Scene) -> None:
    """An exhausted session acts no more, and its holder still sees it."""
    held: Held = await scene.open(await scene.wallet(), permission=scene.permission(max_calls=1))
    await scene.run(held, scene.transfer(1))
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_EXHAUSTED
    shown = await reads.session(scene.world, held.principal, session_id=held.id)
    assert (shown.state, shown.calls_left) == (State.EXHAUSTED, 0)
