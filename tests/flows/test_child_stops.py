"""Stopping a session stops all below it; unfreezing gives back what its freeze took."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.looks import stage, state
from tests.flows.scene import USDC
from tests.flows.tree import open_child, open_reader
from tests.worlds import dump
from valetkey.core.chain import GrantStage
from valetkey.core.child_session import Branch
from valetkey.core.errors import Code, Conflict, Forbidden, NotFound, Unauthenticated
from valetkey.core.session import Session, State
from valetkey.flows import freeze, introspect, issue_token, lists, prove, reads, stop, undelegate
from valetkey.flows.prove import Bearer
from valetkey.flows.stop import Scope

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene

OTHERS = ("revoke", "close", "revoke_all", "kill", "undelegate")


async def _tree(scene: Scene) -> list[Held]:
    """Return a root, two children of it, and one below each of them."""
    root = await scene.open(await scene.wallet())
    one, other = await open_child(scene, root), await open_child(scene, root)
    return [root, one, other, await open_child(scene, one), await open_child(scene, other)]


@pytest.mark.parametrize("how", OTHERS)
async def test_ending_a_session_ends_all_below_it(scene: Scene, how: str) -> None:
    """In one transaction: each is over as it is, with its own steps and its own line in the log."""
    tree = await _tree(scene)
    root, world, request = tree[0], scene.world, scene.request()
    assert (await scene.run(tree[3], scene.transfer(USDC))).outcome is not None
    if how == "revoke":
        await stop.revoke(world, scene.principal, request, session_id=root.id)
    elif how == "close":
        await stop.close(world, root.principal, request)
    elif how == "revoke_all":
        scope = {"scope": Scope.WALLET, "scope_id": root.holding.wallet.id}
        await stop.revoke_all(world, scene.principal, request, **scope)  # type: ignore[arg-type]
    elif how == "kill":
        await world.store.write(lambda tx: stop.note_killed(world, tx, session_id=root.id))
    else:
        key = root.holding.account.id
        await undelegate.undelegate(world, scene.principal, request, account_id=key, signature=None)
    ended = State.CLOSED if how == "close" else State.REVOKED
    lines, _ = await lists.audit_log(
        world, scene.principal, organization_id=scene.founded.organization.id
    )
    for one in tree:
        found = await _stored(scene, one)
        assert found.state is ended
        names = [step.name for step in found.steps]
        assert "refused" in names or how == "kill"
        told = [line for line in lines if line.event == f"session:{ended}"]
        assert [line.subject_id for line in told].count(one.id) == 1
    assert await world.store.read(lambda view: view.find(Branch, root_id=root.id)) == []
    if how != "kill":
        assert await stage(scene, root) is GrantStage.REVOKED


async def test_ending_a_child_ends_what_is_below_it_and_nothing_else(scene: Scene) -> None:
    """Its parent and its siblings go on; the chain is not told, for it knows of no child."""
    root, one, other, below_one, below_other = await _tree(scene)
    await scene.run(below_one, scene.transfer(USDC))
    stopped = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=one.id)
    assert stopped.activity.intent is None
    for held in (one, below_one):
        assert await state(scene, held.id) is State.REVOKED
    for held in (root, other, below_other):
        assert (await scene.run(held, scene.transfer(1))).outcome is not None
    assert await stage(scene, root) is GrantStage.OPEN
    again = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=one.id)
    assert again.session.state is State.REVOKED


async def test_freezing_a_session_freezes_all_below_it_until_it_is_unfrozen(stored: Scene) -> None:
    """What was frozen by itself stays frozen, and so does what is below that."""
    root, one, other, below_one, below_other = await _tree(stored)
    await _freeze(stored, one)
    assert [await state(stored, held.id) for held in (root, one, below_one, other)] == [
        State.OPEN,
        State.FROZEN,
        State.FROZEN,
        State.OPEN,
    ]
    await _freeze(stored, root)
    for held in (root, one, other, below_one, below_other):
        assert await state(stored, held.id) is State.FROZEN
        with pytest.raises(Forbidden) as refused:
            await stored.run(held, stored.transfer(1))
        assert refused.value.code is Code.SESSION_FROZEN
    await _unfreeze(stored, root)
    for held, wanted in (
        (root, State.OPEN),
        (one, State.FROZEN),
        (below_one, State.FROZEN),
        (other, State.OPEN),
        (below_other, State.OPEN),
    ):
        assert await state(stored, held.id) is wanted
    await _unfreeze(stored, one)
    assert (await stored.run(below_one, stored.transfer(1))).outcome is not None
    names = {
        held.id: [one.name for one in (await _stored(stored, held)).steps]
        for held in (one, below_one, other, below_other)
    }
    once = ["freeze_requested", "refused", "unfrozen"]
    assert all(steps == once for steps in names.values())


async def test_a_child_is_not_unfrozen_under_a_frozen_one(scene: Scene) -> None:
    """Whether it is frozen by itself or not; its parent's holder never unfreezes either."""
    root, one, _, below, _ = await _tree(scene)
    await _freeze(scene, one)
    await _freeze(scene, root)
    before = await dump(scene.world)
    for held in (one, below):
        with pytest.raises(Conflict, match="unfreeze that one first"):
            await _unfreeze(scene, held)
    with pytest.raises(Forbidden):
        await freeze.unfreeze(scene.world, root.principal, scene.request(), session_id=one.id)
    assert await dump(scene.world) == before


async def test_freezing_what_is_frozen_from_above_makes_it_its_own(scene: Scene) -> None:
    """It is then frozen twice, and unfreezing the one above gives it nothing back."""
    root, one, _, below, _ = await _tree(scene)
    await _freeze(scene, root)
    await _freeze(scene, one)
    await _unfreeze(scene, root)
    for held in (one, below):
        assert await state(scene, held.id) is State.FROZEN


async def test_what_is_over_from_above_is_neither_frozen_nor_shown_open(scene: Scene) -> None:
    """A parent that was idle for too long is over for good, and so are those below it."""
    root = await scene.open(await scene.wallet(), idle_s=60)
    child = await open_child(scene, root)
    scene.clock.advance(59)
    await scene.run(child, scene.transfer(1))
    shown = await reads.session(scene.world, scene.principal, session_id=child.id)
    assert shown.ends_at == root.session.starts_at + 60
    scene.clock.advance(1)
    assert await state(scene, child.id) is State.EXPIRED
    with pytest.raises(Conflict, match="expired"):
        await _freeze(scene, child)


async def test_a_token_below_is_refused_with_the_session_above(scene: Scene) -> None:
    """At the gate, by introspection, and for tokens that it would be given."""
    root = await scene.open(await scene.wallet())
    opened, who = await open_reader(scene, root)
    token = Bearer(opened.token or "")
    await issue_token.ensure_token_key(scene.world)
    assert await prove.authenticate(scene.world, token, is_write=False) == who
    assert await introspect.introspect(scene.world, scene.principal, token=token.token)
    await _freeze(scene, root)
    with pytest.raises(Forbidden) as frozen:
        await prove.authenticate(scene.world, token, is_write=False)
    assert (frozen.value.code, root.id in frozen.value.detail) == (Code.SESSION_FROZEN, True)
    with pytest.raises(Forbidden):
        await issue_token.issue_token(
            scene.world, who, issuer="https://vk.example", audience="shop", life_s=None
        )
    assert await introspect.introspect(scene.world, scene.principal, token=token.token) is None
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=root.id)
    with pytest.raises(Unauthenticated) as revoked:
        await prove.authenticate(scene.world, token, is_write=False)
    assert revoked.value.code is Code.SESSION_REVOKED


async def test_a_child_of_a_frozen_one_may_leave(scene: Scene) -> None:
    """Giving power back is never refused."""
    root = await scene.open(await scene.wallet())
    opened, _ = await open_reader(scene, root)
    await _freeze(scene, root)
    who = await prove.authenticate(
        scene.world, Bearer(opened.token or ""), is_write=True, is_leaving=True
    )
    closed = await stop.close(scene.world, who, scene.request())
    assert closed.session.state is State.CLOSED


async def test_a_holder_ends_and_sees_what_is_below_it_alone(scene: Scene) -> None:
    """Neither what is beside or above it, nor itself by this way."""
    root, one, other, below, _ = await _tree(scene)
    for held in (root, one, other):
        with pytest.raises(NotFound):
            await stop.revoke_below(scene.world, one.principal, scene.request(), session_id=held.id)
    for held in (root, other):
        with pytest.raises(NotFound):
            await reads.session(scene.world, one.principal, session_id=held.id)
    assert (
        await reads.session(scene.world, root.principal, session_id=below.id)
    ).session.depth == 2
    stopped = await stop.revoke_below(
        scene.world, root.principal, scene.request(), session_id=below.id
    )
    assert stopped.session.state is State.REVOKED
    reader, who = await open_reader(scene, root)
    assert reader.session.state is State.OPEN
    with pytest.raises(Forbidden):
        await stop.revoke_below(scene.world, who, scene.request(), session_id=one.id)


async def test_freezing_while_children_run_leaves_nothing_running(scene: Scene) -> None:
    """What was booked before the freeze may end; nothing is booked after it."""
    root, *children = await _tree(scene)
    runs = [scene.run(one, scene.transfer(1)) for one in children * 2]
    made = await asyncio.gather(*runs[:4], _freeze(scene, root), *runs[4:], return_exceptions=True)
    assert any(isinstance(one, Forbidden) for one in made)
    for one in children:
        with pytest.raises(Forbidden):
            await scene.run(one, scene.transfer(1))


async def _stored(scene: Scene, held: Held) -> Session:
    found = await scene.world.store.read(lambda view: view.get(Session, held.id))
    assert found is not None
    return found


async def _freeze(scene: Scene, held: Held) -> None:
    await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=held.id)


async def _unfreeze(scene: Scene, held: Held) -> None:
    await freeze.unfreeze(scene.world, scene.principal, scene.request(), session_id=held.id)
