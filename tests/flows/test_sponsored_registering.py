"""Sessions that name what is to pay for putting them on their chain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_stranger
from tests.flows.registering import PERSONAL, asked, now, registered
from tests.flows.sponsors import ACCOUNT, CALLS, rule, sponsorship, times, used
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.errors import Code, Forbidden, NotFound
from valetkey.core.session import State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import sponsorships
from valetkey.flows.register import Registered

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def test_no_session_is_opened_that_is_not_paid(scene: Scene) -> None:
    """It needs a rule for the account; with it, it is registered, and the rule's use counted."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    one = await sponsorship(scene, CALLS)
    limit = await rule(scene, one, times(1))
    stranger = (await make_stranger(scene)).principal
    theirs = await sponsorships.add_sponsorship(
        scene.world, stranger, scene.request(), sponsorships.Promise("theirs")
    )
    before = await dump(scene.world)
    with pytest.raises(Forbidden, match="registering a session; add a rule of type account_func"):
        await asked(scene, holding, sponsorship_id=one.id)
    with pytest.raises(NotFound):
        await asked(scene, holding, sponsorship_id=theirs.sponsorship.id)
    assert await dump(scene.world) == before
    await rule(scene, one, ACCOUNT)
    session = await asked(scene, holding, sponsorship_id=one.id)
    done = await registered(scene, holding, session)
    assert (done.session.state, done.activity.sponsorship_id) == (State.OPEN, one.id)
    assert await used(scene, limit) == 1


async def test_switched_off_before_it_is_signed_it_stays_pending(scene: Scene) -> None:
    """The same signature opens it once the sponsorship is on again."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    one = await sponsorship(scene, ACCOUNT)
    session = await asked(scene, holding, sponsorship_id=one.id)
    for is_enabled in (False, True):
        await sponsorships.switch_sponsorship(
            scene.world,
            scene.principal,
            scene.request(),
            sponsorship_id=one.id,
            is_enabled=is_enabled,
        )
        if not is_enabled:
            with pytest.raises(Forbidden) as refused:
                await registered(scene, holding, session)
            assert refused.value.code is Code.NOT_SPONSORED
            assert await now(scene, session) == session
    done = await registered(scene, holding, session)
    assert done.session.state is State.OPEN


async def test_of_many_signed_at_once_as_many_are_registered_as_are_paid(stored: Scene) -> None:
    """The others stay pending, for the next interval."""
    one = await sponsorship(stored, ACCOUNT)
    limit = await rule(stored, one, times(2))
    holdings = [await stored.wallet(OwnerKey.OUTSIDE, clone=PERSONAL) for _ in range(4)]
    sessions = [await asked(stored, each, sponsorship_id=one.id) for each in holdings]
    brought = (
        registered(stored, holding, session)
        for holding, session in zip(holdings, sessions, strict=True)
    )
    ended = await asyncio.gather(*brought, return_exceptions=True)
    done = [each for each in ended if isinstance(each, Registered)]
    assert [each.activity.state for each in done] == [ActivityState.DONE] * 2
    assert sum(isinstance(each, Forbidden) for each in ended) == 2
    assert await used(stored, limit) == 2
    states = [(await now(stored, session)).state for session in sessions]
    assert sorted(states) == [State.OPEN, State.OPEN, State.PENDING, State.PENDING]
    left = states.index(State.PENDING)
    stored.clock.advance(60)
    again = await registered(stored, holdings[left], sessions[left])
    assert again.session.state is State.OPEN
