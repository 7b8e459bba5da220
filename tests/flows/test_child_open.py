"""Opening a session under another: by whom, how deep, and never more than the one above."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.family import make_child, make_stranger
from tests.flows.keys import public_key
from tests.flows.looks import state
from tests.flows.scene import ALICE, HOUR_S, USDC
from tests.flows.tree import ask_child, open_child, open_reader, refused_child
from tests.worlds import dump
from valetkey.core.errors import (
    Code,
    Conflict,
    Forbidden,
    Limited,
    NotFound,
    Unauthenticated,
    ValetkeyError,
)
from valetkey.core.principal import ANONYMOUS, Access, PrincipalKind
from valetkey.core.session import Proof, State
from valetkey.core.wallet import Curve
from valetkey.flows import freeze, lists, stop

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.principal import Principal


async def test_a_holder_opens_a_narrower_session_under_its_own(stored: Scene) -> None:
    """User, wallet and account are the parent's; the line says who stands above whom."""
    parent = await stored.open(await stored.wallet())
    small = stored.permission(cap=USDC, recipients=(ALICE,))
    child = await open_child(stored, parent, permission=small)
    below = await open_child(stored, child, permission=replace(small, max_calls=2))
    assert (child.session.parent_id, child.session.root_id, child.session.depth) == (
        parent.id,
        parent.id,
        1,
    )
    assert (below.session.parent_id, below.session.root_id, below.session.depth) == (
        child.id,
        parent.id,
        2,
    )
    for one in (child, below):
        assert one.session.account_id == parent.session.account_id
        assert one.session.permission is not None
        assert one.session.permission.relayer == stored.world.relayer_address
        assert one.session.grant is None
        assert await state(stored, one.id) is State.OPEN
    found, _ = await lists.sessions(
        stored.world,
        parent.principal,
        organization_id=parent.principal.organization_id,
        which=lists.WhichSessions(parent_id=parent.id),
    )
    assert [one.session.id for one in found] == [child.id]
    lines, _ = await lists.audit_log(
        stored.world, stored.principal, organization_id=stored.founded.organization.id
    )
    opened = next(one for one in lines if one.subject_id == below.id)
    assert (opened.event, opened.principal_id) == ("session:opened", child.id)
    assert dict(opened.facts)["parent_id"] == child.id


async def test_a_backend_opens_one_that_reads_under_any(scene: Scene) -> None:
    """A bearer token under a session that writes, and under one that reads."""
    writes = await scene.open(await scene.wallet(), proof=Proof.CHAIN)
    opened, who = await open_reader(scene, writes)
    assert opened.token is not None
    assert opened.session.access is Access.READ
    under, _ = await open_reader(scene, replace(writes, session=opened.session))
    assert under.session.depth == 2
    command = scene.command(None, proof=Proof.BEARER)
    with pytest.raises(Forbidden, match="write access"):
        await ask_child(scene, opened.session.id, command, who=who)


async def test_the_same_request_opens_one(scene: Scene) -> None:
    """Asked again it is the same child, and its token is not shown again."""
    parent = await scene.open(await scene.wallet())
    request, command = scene.request(), scene.command(None, proof=Proof.BEARER)
    first = await ask_child(scene, parent.id, command, who=parent.principal, request=request)
    again = await ask_child(scene, parent.id, command, who=parent.principal, request=request)
    assert (again.session, again.token) == (first.session, None)


async def test_nobody_opens_under_what_is_not_theirs(scene: Scene) -> None:
    """Neither another session, nor a child under its parent, nor another organization."""
    holding = await scene.wallet()
    parent, other = await scene.open(holding), await scene.open(holding)
    child = await open_child(scene, parent)
    command = scene.command(None, proof=Proof.BEARER)
    stranger, below = await make_stranger(scene), await make_child(scene)
    publishable = scene.principal._replace(kind=PrincipalKind.PUBLISHABLE, access=Access.READ)
    table: list[tuple[Principal, type[ValetkeyError]]] = [
        (other.principal, NotFound),
        (child.principal, NotFound),
        (stranger.principal, NotFound),
        (below.principal, NotFound),
        (publishable, Forbidden),
        (ANONYMOUS, Unauthenticated),
    ]
    before = await dump(scene.world)
    for who, kind in table:
        with pytest.raises(kind):
            await ask_child(scene, parent.id, command, who=who)
    with pytest.raises(NotFound):
        await ask_child(scene, "ses_unknown", command, who=scene.principal)
    assert await dump(scene.world) == before


async def test_a_parent_organization_gives_no_power_below(scene: Scene) -> None:
    """It may not open under a session of an organization below it."""
    below = await make_child(scene)
    holding = await scene.wallet(principal=below.principal)
    founded, scene.founded = scene.founded, below
    parent = await scene.open(holding)
    scene.founded = founded
    with pytest.raises(Forbidden, match="does not give power"):
        await ask_child(
            scene, parent.id, scene.command(None, proof=Proof.BEARER), who=scene.principal
        )


async def test_sessions_stand_so_deep_and_no_deeper(scene: Scene) -> None:
    """The bound is on the line, whoever opens the next one."""
    one = await scene.open(await scene.wallet())
    for _ in range(scene.world.bounds.session_depth):
        one = await open_child(scene, one)
    refused = await refused_child(scene, one, scene.command(None, proof=Proof.BEARER))
    assert refused.code is Code.SESSION_TOO_DEEP
    scene.with_bounds(session_depth=0)
    root = await scene.open(one.holding)
    refused = await refused_child(scene, root, scene.command(None, proof=Proof.BEARER))
    assert refused.code is Code.SESSION_TOO_DEEP


async def test_so_many_are_in_use_under_one_and_in_a_tree(stored: Scene) -> None:
    """What has ended makes room: revoked, closed, out of time or idle for too long."""
    stored.with_bounds(session_children=3, session_tree=5)
    parent = await stored.open(await stored.wallet())
    reader = stored.command(None, proof=Proof.BEARER)
    asked = [ask_child(stored, parent.id, reader, who=parent.principal) for _ in range(6)]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Limited) for one in made) == 3
    first = next(one for one in made if not isinstance(one, BaseException))
    await stop.revoke(stored.world, stored.principal, stored.request(), session_id=first.session.id)
    child = await open_child(stored, parent)
    await open_child(stored, child)
    await open_child(stored, child, idle_s=30)
    refused = await refused_child(stored, child, reader)
    assert refused.code is Code.TOO_MANY_CHILD_SESSIONS
    stored.clock.advance(30)
    await open_child(stored, child)
    await refused_child(stored, child, reader)


async def test_one_key_does_not_hold_sessions_of_two_accounts(scene: Scene) -> None:
    """That is so for a child as for any other."""
    key = scene.new_key()
    taken = scene.command(await scene.wallet(), secret=key)
    elsewhere = await scene.open(await scene.wallet())
    parent = await scene.open(await scene.wallet())
    await ask_child(
        scene,
        elsewhere.id,
        replace(taken, key=public_key(Curve.P256, key)),
        who=elsewhere.principal,
    )
    with pytest.raises(Conflict) as refused:
        await ask_child(scene, parent.id, taken, who=parent.principal)
    assert refused.value.code is Code.SESSION_KEY_IN_USE


@pytest.mark.parametrize("how", ["freeze", "revoke", "close", "expire", "exhaust", "kill"])
async def test_nothing_is_opened_under_what_is_not_in_use(scene: Scene, how: str) -> None:
    """Not under its children either."""
    parent = await scene.open(await scene.wallet(), permission=scene.permission(max_calls=1))
    child = await open_child(scene, parent)
    world, request = scene.world, scene.request()
    if how == "freeze":
        await freeze.freeze(world, scene.principal, request, session_id=parent.id)
    elif how == "revoke":
        await stop.revoke(world, scene.principal, request, session_id=parent.id)
    elif how == "close":
        await stop.close(world, parent.principal, request)
    elif how == "expire":
        scene.clock.advance(HOUR_S)
    elif how == "exhaust":
        await scene.run(parent, scene.transfer(1))
    else:
        await world.store.write(lambda tx: stop.note_killed(world, tx, session_id=parent.id))
    now = scene.clock.now()
    times: dict[str, Any] = {"starts_at": now, "expires_at": parent.session.expires_at}
    if how == "expire":
        times = {"starts_at": now - 1, "expires_at": now + 5}
    command = scene.command(None, proof=Proof.BEARER, **times)
    for one in (parent, child):
        before = await dump(world)
        with pytest.raises(Forbidden):
            await ask_child(scene, one.id, command, who=scene.principal)
        assert await dump(world) == before


async def test_opening_and_revoking_at_once_leaves_nothing_in_use(stored: Scene) -> None:
    """Whichever comes first: the child is refused, or revoked with its parent."""
    holding = await stored.wallet()
    for turn in range(4):
        parent = await stored.open(holding)
        command = stored.command(None, proof=Proof.BEARER)
        opens = [ask_child(stored, parent.id, command, who=parent.principal) for _ in range(3)]
        ends = stop.revoke(stored.world, stored.principal, stored.request(), session_id=parent.id)
        asked = [*opens[:turn], ends, *opens[turn:]]
        for one in await asyncio.gather(*asked, return_exceptions=True):
            assert not isinstance(one, BaseException) or isinstance(one, Forbidden)
        found, _ = await lists.sessions(
            stored.world,
            stored.principal,
            organization_id=stored.founded.organization.id,
            which=lists.WhichSessions(parent_id=parent.id),
        )
        assert {one.state for one in found} <= {State.REVOKED}
