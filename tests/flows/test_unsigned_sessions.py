"""Sessions that wait for an owner: on a vendor's surface, where players ask for them, for a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import hold
from tests.flows.registering import PERSONAL, now, registered
from tests.worlds import dump
from valetkey.core.errors import Conflict, Limited
from valetkey.core.session import Session, State, state_of
from valetkey.core.surface import Surface
from valetkey.core.units import DAY_S
from valetkey.core.wallet import OwnerKey
from valetkey.flows import reads, stop

if TYPE_CHECKING:
    from tests.flows.scene import Held, Holding, Scene


async def pending(
    scene: Scene, holding: Holding, *, surface: Surface = Surface.OPENFORT, days: int = 300
) -> Held:
    """Return a session for so many days that its owner has not signed."""
    limits = scene.permission(expires_at=scene.clock.now() + days * DAY_S)
    return await hold(scene, holding, permission=limits, is_signed=False, surface=surface)


async def state(scene: Scene, held: Held) -> State:
    """Return how a session stands now."""
    seen = await reads.session(scene.world, scene.principal, session_id=held.id)
    return state_of(seen.session, seen.usage, now=scene.clock.now())


async def test_what_nobody_signs_is_over_after_a_day(stored: Scene) -> None:
    """The attack: sessions for a year that nobody signs, until there is room for nobody else's."""
    stored.with_bounds(sessions=2)
    holding = await stored.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    assert holding.secret is not None
    flood = [await pending(stored, holding) for _ in range(2)]
    stored.clock.advance(DAY_S - 1)
    assert await state(stored, flood[0]) is State.PENDING
    with pytest.raises(Limited):
        await pending(stored, holding)
    stored.clock.advance(1)
    assert await state(stored, flood[0]) is State.EXPIRED
    before = await dump(stored.world)
    with pytest.raises(Conflict, match="expired"):
        await registered(stored, holding, flood[0].session)
    with pytest.raises(Conflict, match="expired"):
        await stored.sign_grant(flood[0].session, holding.secret)
    assert await dump(stored.world) == before
    for _ in range(2):
        await pending(stored, holding)


@pytest.mark.parametrize("is_registered", [True, False])
async def test_what_is_signed_lasts_and_counts_to_its_end(
    stored: Scene, *, is_registered: bool
) -> None:
    """Signed in the last second; it counts once, and no more when it is stopped."""
    stored.with_bounds(sessions=1)
    holding = await stored.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    assert holding.secret is not None
    held = await pending(stored, holding, days=3)
    stored.clock.advance(DAY_S - 1)
    if is_registered:
        await registered(stored, holding, held.session)
    else:
        await stored.sign_grant(held.session, holding.secret)
    stored.clock.advance(DAY_S)
    assert await state(stored, held) is State.OPEN
    with pytest.raises(Limited):
        await pending(stored, holding)
    await stop.revoke(stored.world, stored.principal, stored.request(), session_id=held.id)
    again = await pending(stored, holding)
    with pytest.raises(Limited):
        await pending(stored, holding)
    stored.clock.advance(DAY_S)
    assert await state(stored, again) is State.EXPIRED
    await pending(stored, holding)


async def test_a_backends_own_waits_to_its_end(scene: Scene) -> None:
    """Only a secret key asks for it: its owner may take their time."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await pending(scene, holding, surface=Surface.NATIVE)
    scene.clock.advance(30 * DAY_S)
    assert await state(scene, held) is State.PENDING


async def test_rounds_do_not_read_what_waits_for_others(scene: Scene) -> None:
    """Only a session whose owner's key is here can be brought on by a round."""
    held = await pending(scene, await scene.wallet(OwnerKey.OUTSIDE))
    assert (await now(scene, held.session)).state is State.PENDING
    assert await scene.world.store.read(lambda view: view.find(Session, waits_here=1)) == []
