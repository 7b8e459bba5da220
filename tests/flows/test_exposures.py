"""Who is exposed to a key or a contract, across organizations, and the end of all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child, make_stranger
from tests.flows.looks import state
from tests.flows.scene import ALICE, MALLORY
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed, NotFound
from valetkey.core.exposed import Subject
from valetkey.core.permission.model import ANYTHING, WideRule
from valetkey.core.permission.towards import Toward
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Proof, Session, State, Usage
from valetkey.core.wallet import address_of
from valetkey.flows import exposures as flow
from valetkey.flows import freeze, open_session, stop
from valetkey.flows.exposures import Where

if TYPE_CHECKING:
    from tests.flows.scene import Holding, Scene
    from valetkey.core.principal import Principal
    from valetkey.ports import Tx

MANY = 1100


def where(
    scene: Scene, toward: Toward, data: bytes | None, after: str = "", limit: int = 100
) -> Where:
    """Return what asks the scene's organization and all below it."""
    subject = Subject(toward, data)
    return Where(scene.founded.organization.id, subject, after=after, limit=limit)


async def exposed(scene: Scene, toward: Toward, data: bytes | None) -> list[str]:
    """Return the ids of every session that is exposed, page by page."""
    ids: list[str] = []
    after: str | None = ""
    while after is not None:
        asked = where(scene, toward, data, after=after, limit=2)
        found, after = await flow.exposures(scene.world, scene.principal, asked)
        ids += [one.shown.session.id for one in found]
    return ids


async def reader(scene: Scene, who: Principal, secret: bytes) -> Session:
    """Return a session that reads, held by the key with that secret."""
    command = scene.command(None, proof=Proof.STAMP, secret=secret)
    opened = await open_session.open_session(scene.world, who, scene.request(), command)
    scene.clock.advance(1)  # ids of one moment have no order
    return opened.session


async def opened(scene: Scene, holding: Holding) -> str:
    """Return the id of a new session of *holding*."""
    held = await scene.open(holding)
    scene.clock.advance(1)
    return held.id


async def test_every_session_that_may_reach_it_is_found_and_no_other(stored: Scene) -> None:
    """Named, under a wide rule, frozen or pending; not what is over, and not a stranger's."""
    holding = await stored.wallet()
    named = await stored.open(holding)
    any_call = stored.permission(wide_rules=(WideRule(ANYTHING),), recipients=ANYTHING)
    wide = await stored.open(holding, permission=any_call)
    frozen = await stored.open(holding)
    await freeze.freeze(stored.world, stored.principal, stored.request(), session_id=frozen.id)
    over = await stored.open(holding)
    await stop.revoke(stored.world, stored.principal, stored.request(), session_id=over.id)
    reads_only = await reader(stored, stored.principal, stored.new_key())
    stranger = await make_stranger(stored)
    await reader(stored, stranger.principal, stored.new_key())
    by_token = await exposed(stored, Toward.TOKEN, stored.token)
    assert sorted(by_token) == sorted([named.id, wide.id, frozen.id])
    assert await exposed(stored, Toward.CONTRACT, MALLORY) == [wide.id]
    assert sorted(await exposed(stored, Toward.RECIPIENT, ALICE)) == sorted(by_token)
    stored.clock.advance(3600)
    assert await exposed(stored, Toward.TOKEN, stored.token) == []
    assert reads_only.id not in by_token


async def test_a_key_is_found_however_it_is_named(scene: Scene) -> None:
    """By the public key, and by the address under which the account knows it."""
    holding = await scene.wallet()
    held = await scene.open(holding, proof=Proof.CHAIN)
    other = await scene.open(holding, proof=Proof.CHAIN)
    key = held.session.key
    assert key is not None
    assert await exposed(scene, Toward.KEY, key.data) == [held.id]
    assert await exposed(scene, Toward.KEY, address_of(key)) == [held.id]
    assert await exposed(scene, Toward.KEY, MALLORY) == []
    grant = other.session.grant
    assert grant is not None
    assert await exposed(scene, Toward.KEY, grant.session_key) == [other.id]


async def test_children_at_any_depth_are_looked_through(scene: Scene) -> None:
    """A leaked key may be in use anywhere below; a child does not see its siblings."""
    secret = scene.new_key()
    first = await make_child(scene, "First")
    scene.clock.advance(1)
    second = await make_child(scene, "Second")
    below = await make_child(scene, "Below", who=first.principal)
    people = (scene.principal, first.principal, below.principal, second.principal)
    made = [await reader(scene, who, secret) for who in people]
    data = made[0].key.data if made[0].key else b""
    assert await exposed(scene, Toward.KEY, data) == [one.id for one in made]
    own = Where(first.organization.id, Subject(Toward.KEY, data))
    found, behind = await flow.exposures(scene.world, first.principal, own)
    assert [one.shown.session.id for one in found] == [made[1].id, made[2].id]
    assert behind is None


async def test_all_are_revoked_until_nothing_is_left(stored: Scene) -> None:
    """Page by page, each with its receipt on both planes; also one that was opened meanwhile."""
    holding = await stored.wallet()
    before = [await opened(stored, holding) for _ in range(3)]
    apart = await reader(stored, stored.principal, stored.new_key())

    async def end(after: str) -> tuple[list[stop.Stopped], str | None]:
        asked = where(stored, Toward.TOKEN, stored.token, after=after, limit=2)
        return await flow.revoke_exposed(stored.world, stored.principal, stored.request(), asked)

    first, behind = await end("")
    assert [one.session.id for one in first] == before[:2]
    assert {one.session.state for one in first} == {State.REVOKED}
    assert {one.activity.state for one in first} == {ActivityState.DONE}
    assert {step.plane for one in first for step in one.session.steps} == {"server", "chain"}
    late = await opened(stored, holding)
    second, behind = await end(behind or "")
    assert [one.session.id for one in second] == [before[2], late]
    assert (await end(behind or ""))[0] == []
    assert await exposed(stored, Toward.TOKEN, stored.token) == []
    assert await state(stored, apart.id) is State.OPEN


async def test_the_same_request_revokes_nothing_twice(scene: Scene) -> None:
    """It is answered with what it did, and what was opened since stays."""
    holding = await scene.wallet()
    held = await scene.open(holding)
    request, asked = scene.request(), where(scene, Toward.TOKEN, scene.token)
    first, _ = await flow.revoke_exposed(scene.world, scene.principal, request, asked)
    later = await scene.open(holding)
    again, _ = await flow.revoke_exposed(scene.world, scene.principal, request, asked)
    assert [one.activity.id for one in again] == [one.activity.id for one in first]
    assert [one.session.id for one in again] == [held.id]
    assert await state(scene, later.id) is State.OPEN
    reused = replace(request, hash="another")
    with pytest.raises(Conflict) as refused:
        await flow.revoke_exposed(scene.world, scene.principal, reused, asked)
    assert refused.value.code is Code.REQUEST_ID_REUSED


async def test_a_parent_ends_what_its_children_opened(scene: Scene) -> None:
    """It reduces power below it (DESIGN 2), and nobody else does."""
    child = await make_child(scene)
    secret = scene.new_key()
    session = await reader(scene, child.principal, secret)
    asked = where(scene, Toward.KEY, session.key.data if session.key else b"")
    stranger = await make_stranger(scene)
    before = await dump(scene.world)
    session_kind = scene.principal._replace(kind=PrincipalKind.SESSION)
    for who, error in ((stranger.principal, NotFound), (session_kind, Forbidden)):
        with pytest.raises(error):
            await flow.revoke_exposed(scene.world, who, scene.request(), asked)
        with pytest.raises(error):
            await flow.exposures(scene.world, who, asked)
    with pytest.raises(NotFound):  # a child does not look up
        await flow.exposures(scene.world, child.principal, asked)
    assert await dump(scene.world) == before
    ended, _ = await flow.revoke_exposed(scene.world, scene.principal, scene.request(), asked)
    assert [one.session.id for one in ended] == [session.id]
    assert await state(scene, session.id) is State.REVOKED


@pytest.mark.parametrize("after", ["nonsense", "org_000000000000000000000000/", "/"])
async def test_a_place_in_another_list_is_refused(scene: Scene, after: str) -> None:
    """Nothing is changed by a page that begins nowhere."""
    await scene.open(await scene.wallet())
    asked = where(scene, Toward.TOKEN, scene.token, after=after)
    before = await dump(scene.world)
    with pytest.raises(Malformed, match="of a page of this list"):
        await flow.exposures(scene.world, scene.principal, asked)
    with pytest.raises(Malformed, match="of a page of this list"):
        await flow.revoke_exposed(scene.world, scene.principal, scene.request(), asked)
    assert await dump(scene.world) == before


async def test_a_stranger_below_is_no_place_to_begin(scene: Scene) -> None:
    """The attack: a cursor that names somebody else's organization."""
    stranger = await make_stranger(scene)
    session = await reader(scene, stranger.principal, scene.new_key())
    data = session.key.data if session.key else b""
    asked = where(scene, Toward.KEY, data, after=f"{stranger.organization.id}/")
    with pytest.raises(Malformed):
        await flow.exposures(scene.world, scene.principal, asked)


async def test_one_page_looks_at_so_many_sessions(scene: Scene) -> None:
    """The attack: a search for what nobody has keeps the server reading through all there is."""
    held = await scene.open(await scene.wallet())
    usage = await scene.world.store.read(lambda view: view.get(Usage, held.id))
    assert usage is not None

    def add(tx: Tx) -> None:
        for number in range(MANY):
            tx.add(replace(held.session, id=f"{held.id}{number:04}"))
            tx.add(replace(usage, id=f"{held.id}{number:04}"))

    await scene.world.store.write(add)
    after, pages = "", 0
    while True:
        asked = where(scene, Toward.CONTRACT, MALLORY, after=after)
        found, behind = await flow.exposures(scene.world, scene.principal, asked)
        assert found == []
        pages += 1
        if behind is None:
            break
        after = behind
    assert pages == 1 + (MANY + 1) // flow.SCANNED
