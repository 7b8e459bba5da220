"""What is ended on chain past the server is over here too, without waiting for its next run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.looks import stage, state
from tests.flows.scene import HOUR_S, USDC, Held
from tests.flows.test_late_grant import late
from tests.flows.truth import every
from valetkey.core.audit import AuditLine
from valetkey.core.chain import GrantStage
from valetkey.core.session import Proof, State, Watch
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import dev_keys, transact
from valetkey.devchain.keys import DevKey
from valetkey.flows import freeze, grant, stop
from valetkey.flows.reconcile import reconcile
from valetkey.flows.watch import STILL_OPEN, look_at_sessions
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from tests.flows.scene import Scene

REVOKE = keccak256(b"revoke(bytes32)")[:4]


async def kill_past_us(scene: Scene, held: Held) -> None:
    """Let a stranger submit the kill note."""
    _, _, intent = await grant.kill_note_of(scene.world, scene.principal, session_id=held.id)
    transact(scene.rpc, dev_keys()[2], intent.to, data=intent.data)


def let_it_be_due(scene: Scene) -> None:
    """Let so much time pass that every session is due to be looked at."""
    scene.clock.advance(scene.world.bounds.watch_s)


async def test_a_kill_note_that_anybody_submits_ends_the_session_here(stored: Scene) -> None:
    """Within the time of a watch; the log says that the chain did it."""
    held = await stored.open(await stored.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    await kill_past_us(stored, held)
    await reconcile(stored.world)
    assert await state(stored, held.id) is State.OPEN  # it is not due yet
    let_it_be_due(stored)
    assert (await reconcile(stored.world)).sessions == 1
    assert await state(stored, held.id) is State.REVOKED
    lines = await stored.world.store.read(lambda view: every(view, AuditLine))
    revoked = [one for one in lines if one.event == "session:revoked"]
    assert [(one.subject_id, one.principal_id) for one in revoked] == [(held.id, "chain")]
    let_it_be_due(stored)
    assert (await reconcile(stored.world)).sessions == 0


async def test_an_owner_who_revokes_by_themselves_is_heard(scene: Scene) -> None:
    """The account's own transaction needs no server, and no kill note."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await scene.open(holding, proof=Proof.CHAIN)
    await scene.run(held, scene.transfer(USDC))
    assert held.session.grant is not None
    owner = DevKey(holding.secret or b"", holding.account.address)
    transact(scene.rpc, owner, holding.account.address, data=REVOKE + held.session.grant.grant_id)
    let_it_be_due(scene)
    await reconcile(scene.world)
    assert await state(scene, held.id) is State.REVOKED


async def test_sessions_that_live_are_left_alone_and_looked_at_again(scene: Scene) -> None:
    """Open, frozen and pending ones stay what they are, however often they are looked at."""
    holding = await scene.wallet()
    opened, frozen = await scene.open(holding), await scene.open(holding)
    await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=frozen.id)
    pending = await late(scene)
    for _ in range(3):
        let_it_be_due(scene)
        assert await look_at_sessions(scene.world) == 0
    ids = (opened.id, frozen.id, pending.held.id)
    found = [await state(scene, one) for one in ids]
    assert found == [State.OPEN, State.FROZEN, State.PENDING]
    left = await scene.world.store.read(lambda view: every(view, Watch))
    assert {one.session_id for one in left} == set(ids)


async def test_a_round_looks_at_a_few_and_the_next_at_the_others(scene: Scene) -> None:
    """Bounded work: nobody waits for ever, and a round costs at most so many questions."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = [await scene.open(holding, proof=Proof.CHAIN) for _ in range(5)]
    for one in held:
        await kill_past_us(scene, one)
    let_it_be_due(scene)
    ended = []
    for _ in range(3):
        scene.line.asked.clear()
        ended.append(await look_at_sessions(scene.world, limit=2))
        assert scene.line.asked.count("eth_getStorageAt") <= 2 * 2
    assert ended == [2, 2, 1]
    assert {await state(scene, one.id) for one in held} == {State.REVOKED}


async def test_a_silent_chain_only_puts_it_off(scene: Scene) -> None:
    """What could not be asked is due again later, and stands in nobody's way."""
    held = await scene.open(await scene.wallet())
    await kill_past_us(scene, held)
    let_it_be_due(scene)
    scene.line.is_cut = True
    assert await look_at_sessions(scene.world) == 0
    assert await look_at_sessions(scene.world) == 0
    scene.line.is_cut = False
    let_it_be_due(scene)
    assert await look_at_sessions(scene.world) == 1


async def test_what_is_over_is_not_looked_at_for_ever(scene: Scene) -> None:
    """A session whose time is over, or that its chain has ended, leaves the list."""
    holding = await scene.wallet()
    await scene.open(holding)
    revoked = await scene.open(holding)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=revoked.id)
    let_it_be_due(scene)
    await look_at_sessions(scene.world)
    left = await scene.world.store.read(lambda view: every(view, Watch))
    assert len(left) == 1
    scene.clock.advance(HOUR_S)
    scene.line.asked.clear()
    await look_at_sessions(scene.world)
    assert scene.line.asked == []
    assert await scene.world.store.read(lambda view: every(view, Watch)) == []


@pytest.mark.parametrize("is_killed", [True, False])
async def test_a_session_that_is_over_here_and_open_there_is_told(
    stored: Scene, *, is_killed: bool
) -> None:
    """Its owner signed past us and no kill note ever came: once in the log, and for the doctor."""
    coming = await late(stored)
    await coming.revoke()
    coming.act()
    for _ in range(3):
        let_it_be_due(stored)
        await reconcile(stored.world)
    lines = await stored.world.store.read(lambda view: every(view, AuditLine))
    assert [one.event for one in lines].count("session:found_open") == 1
    assert len(await stored.world.store.read(lambda view: view.find(Watch, alive=1))) == 1
    if is_killed:
        session = await coming.arrive()
        assert [one.name for one in session.steps][2:] == [STILL_OPEN, "submitted", "included"]
        assert await stage(stored, coming.held) is GrantStage.REVOKED
        let_it_be_due(stored)
        await reconcile(stored.world)
        assert await stored.world.store.read(lambda view: every(view, Watch)) == []
