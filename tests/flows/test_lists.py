"""Lists: filters, the two orders, spans of time, and a bound on each look."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_stranger
from tests.flows.scene import HOUR_S, MALLORY
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.exposed import Subject
from valetkey.core.permission.towards import Toward
from valetkey.core.session import Proof
from valetkey.flows import lists, stop
from valetkey.flows.lists import WhichActivities, WhichLines, WhichSessions
from valetkey.flows.scan import SCANNED, Part, Span

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.ports import Tx

OLDEST = Part(newest_first=False)


async def sessions(scene: Scene, which: WhichSessions, part: Part = OLDEST) -> list[str]:
    """Return the ids of the sessions of the scene's organization that are so."""
    own = scene.founded.organization.id
    found, _ = await lists.sessions(
        scene.world, scene.principal, organization_id=own, which=which, part=part
    )
    return [one.session.id for one in found]


async def test_sessions_are_found_by_what_they_are(stored: Scene) -> None:
    """Each filter alone, and two together."""
    one, other = await stored.wallet(), await stored.wallet()
    first = await stored.open(one, proof=Proof.CHAIN)
    stored.clock.advance(1)
    short = stored.permission(expires_at=stored.clock.now() + 60)
    second = await stored.open(other, permission=short)
    assert first.session.key
    cases = {
        WhichSessions(account_id=one.account.id): [first.id],
        WhichSessions(wallet_id=other.wallet.id): [second.id],
        WhichSessions(permission_id=first.session.permission_id): [first.id],
        WhichSessions(expires_before=stored.clock.now() + 61): [second.id],
        WhichSessions(expires_before=stored.clock.now() + 60): [],
        WhichSessions(exposed_to=(Subject(Toward.TOKEN, stored.token),)): [first.id, second.id],
        WhichSessions(exposed_to=(Subject(Toward.CONTRACT, MALLORY),)): [],
        WhichSessions(exposed_to=(Subject(Toward.KEY, first.session.key.data),)): [first.id],
        WhichSessions(account_id=one.account.id, wallet_id=other.wallet.id): [],
    }
    for which, wanted in cases.items():
        assert await sessions(stored, which) == wanted
    assert await sessions(stored, WhichSessions(), Part()) == [second.id, first.id]


async def test_a_filter_does_not_reach_into_another_organization(scene: Scene) -> None:
    """The attack: the id of somebody else's account, as what the list is looked up by."""
    holding = await scene.wallet()
    held = await scene.open(holding)
    stranger = await make_stranger(scene)
    own = stranger.organization.id
    which = WhichSessions(account_id=holding.account.id)
    found, _ = await lists.sessions(
        scene.world, stranger.principal, organization_id=own, which=which
    )
    assert found == []
    by = WhichActivities(session_id=held.id)
    acted, _ = await lists.activities(
        scene.world, stranger.principal, organization_id=own, which=by
    )
    assert acted == []


async def acted(scene: Scene, which: WhichActivities, part: Part = OLDEST) -> list[str]:
    """Return the kinds of the activities of the scene's organization that are so."""
    own = scene.founded.organization.id
    found, _ = await lists.activities(
        scene.world, scene.principal, organization_id=own, which=which, part=part
    )
    return [one.kind for one in found]


async def test_activities_are_found_by_what_they_are_and_when(stored: Scene) -> None:
    """Kind, state, session, account, a span of time; newest or oldest first."""
    holding = await stored.wallet()
    held = await stored.open(holding)
    stored.clock.advance(HOUR_S // 2)
    middle = stored.clock.now()
    await stored.run(held, stored.transfer(1))
    stored.clock.advance(300)
    await stop.revoke(stored.world, stored.principal, stored.request(), session_id=held.id)
    since = WhichActivities(created=Span(middle))
    assert await acted(stored, since) == ["run", "session:revoke"]
    assert await acted(stored, since, Part()) == ["session:revoke", "run"]
    assert await acted(stored, WhichActivities(created=Span(middle, middle + 300))) == ["run"]
    until = WhichActivities(created=Span(None, middle + 1))
    assert (await acted(stored, until, Part()))[0] == "run"
    assert await acted(stored, WhichActivities(kind="run", state=ActivityState.DONE)) == ["run"]
    assert await acted(stored, WhichActivities(kind="run", state=ActivityState.FAILED)) == []
    own = WhichActivities(session_id=held.id, created=Span(middle))
    assert await acted(stored, own) == ["run", "session:revoke"]
    on_account = WhichActivities(account_id=holding.account.id, kind="run")
    assert await acted(stored, on_account) == ["run"]


async def test_a_span_of_time_does_not_read_what_is_outside(scene: Scene) -> None:
    """A day of a log of years is found in one look, in either order."""
    held = await scene.open(await scene.wallet())
    made = await scene.run(held, scene.transfer(1))
    scene.clock.advance(HOUR_S // 4)

    noise = [f"{made.id}{number:05}" for number in range(SCANNED + 1)]

    def add(tx: Tx) -> None:
        for key in noise:
            tx.add(replace(made, id=key, request_key=key, kind="noise"))

    def drop(tx: Tx) -> None:
        for key in noise:  # the books are looked at in the end
            tx.drop(Activity, key)

    await scene.world.store.write(add)
    now = scene.clock.now()
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert await acted(scene, WhichActivities(created=Span(now))) == ["session:revoke"]
    early = WhichActivities(kind="account:delegate", created=Span(None, made.created_at))
    assert await acted(scene, early, Part()) == await acted(scene, early)
    await scene.world.store.write(drop)


async def test_lines_of_the_log_are_found_by_their_halves(stored: Scene) -> None:
    """Resource, action, whom it happened to, who did it, and when."""
    held = await stored.open(await stored.wallet())
    stored.clock.advance(60)
    now = stored.clock.now()
    await stop.revoke(stored.world, stored.principal, stored.request(), session_id=held.id)
    own = stored.founded.organization.id

    async def events(which: WhichLines, part: Part = OLDEST) -> list[str]:
        found, _ = await lists.audit_log(
            stored.world, stored.principal, organization_id=own, which=which, part=part
        )
        return [one.event for one in found]

    about = WhichLines(resource="session", subject_id=held.id)
    assert (await events(about))[0] == "session:opened"
    assert (await events(about, Part()))[-1] == "session:opened"
    assert await events(WhichLines(action="opened", subject_id=held.id)) == ["session:opened"]
    since = await events(WhichLines(resource="session", at=Span(now)))
    assert "session:revoked" in since
    assert "session:opened" not in since
    assert await events(WhichLines(resource="sess")) == []
    mine = WhichLines(principal_id=stored.principal.subject_id, action="revoked")
    assert await events(mine) == ["session:revoked"]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_what_is_made_meanwhile_moves_no_page(scene: Scene, newest_first: bool) -> None:  # noqa: FBT001 - a case
    """Nothing that was there is left out or listed twice while others write."""
    held = await scene.open(await scene.wallet())
    before = [await scene.run(held, scene.transfer(1)) for _ in range(3)]
    seen: list[Activity] = []
    after: str | None = ""
    while after is not None:
        found, after = await lists.activities(
            scene.world,
            scene.principal,
            organization_id=scene.founded.organization.id,
            which=WhichActivities(kind="run"),
            part=Part(after=after, limit=1, newest_first=newest_first),
        )
        seen += found
        if len(seen) < 3:
            await scene.run(held, scene.transfer(1))
    ids = [one.id for one in seen]
    assert len(ids) == len(set(ids))
    assert {one.id for one in before} <= set(ids)
