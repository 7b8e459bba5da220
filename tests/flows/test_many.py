"""However many there are: no stop overlooks one, and no holder makes the stops of others slow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_stranger
from tests.flows.scene import MALLORY, USDC
from tests.flows.test_leftovers import approve, approver, listed
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict
from valetkey.core.permission.model import ANYTHING
from valetkey.core.session import Proof, State, Usage
from valetkey.core.wallet import OwnerKey
from valetkey.flows import freeze, lists, open_session, scan, stop
from valetkey.flows.clear_approvals import clear_approvals
from valetkey.flows.kill_again import endings_of, is_ending
from valetkey.flows.leaving import leavings_of
from valetkey.flows.leftovers import (
    MOST,
    Approval,
    alive_grants,
    approvals_of_account,
    approvals_of_session,
)
from valetkey.flows.named import SCANNED
from valetkey.flows.reconcile import reconcile
from valetkey.flows.undelegate import undelegate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flows.scene import Held, Scene
    from valetkey.ports import Tx

MANY = 1001  # one more than a store gives at once


@pytest.fixture
async def flooded(scene: Scene) -> AsyncIterator[Held]:
    """Give a holder who has asked for so many runs that nobody has signed, before all else."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    asked = await scene.ask(held, scene.transfer(USDC))
    ids = [f"act_{number:024}" for number in range(MANY)]

    def add(tx: Tx) -> None:
        for one in ids:
            tx.add(replace(asked, id=one, request_key=one))

    def drop(tx: Tx) -> None:
        for one in ids:
            tx.drop(Activity, one)

    await scene.world.store.write(add)
    yield held
    await scene.world.store.write(drop)


async def test_an_account_that_leaves_is_seen_behind_any_number_of_runs(
    scene: Scene, flooded: Held
) -> None:
    """The attack: sessions begin although the account leaves, behind a thousand open runs."""
    holding = flooded.holding
    left = await undelegate(
        scene.world,
        scene.principal,
        scene.request(),
        account_id=holding.account.id,
        signature=None,
    )
    assert left.activity.state is ActivityState.AWAITING
    command = scene.command(holding, proof=Proof.CHAIN)
    with pytest.raises(Conflict, match=left.activity.id):
        await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    found = await scene.world.store.read(lambda view: leavings_of(view, holding.account.id))
    assert [one.id for one in found] == [left.activity.id]
    ends = await scene.world.store.read(lambda view: endings_of(view, flooded.session))
    assert [one.kind for one in ends] == ["session:revoke"]


async def test_stops_that_had_nothing_to_do_hide_none_that_has(scene: Scene) -> None:
    """The attack: a thousand revocations of what is revoked, while its kill waits for the chain."""
    held = await scene.open(await scene.wallet())
    scene.line.is_cut = True
    stopped = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    again = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert (again.activity.state, again.activity.intent) == (ActivityState.DONE, None)

    def add(tx: Tx) -> None:
        for number in range(MANY):
            key = f"{again.activity.id}{number:04}"
            tx.add(replace(again.activity, id=key, request_key=key))

    await scene.world.store.write(add)
    ends = await scene.world.store.read(lambda view: endings_of(view, held.session))
    assert [one.id for one in ends] == [stopped.activity.id]
    assert await scene.world.store.read(lambda view: is_ending(view, held.session))
    scene.line.is_cut = False
    await reconcile(scene.world)
    third = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert third.activity.intent is None


PER_RUN = 60


async def test_no_approval_hides_behind_spenders_that_are_named_for_show(scene: Scene) -> None:
    """The attack: so many spenders are named that the one who can take is on no first page."""
    holding = await scene.wallet()
    held = await approver(scene, holding, recipients=ANYTHING, cap=10**30)
    spenders = [number.to_bytes(20) for number in range(1, MOST + PER_RUN)]
    for start in range(0, len(spenders), PER_RUN):
        named = spenders[start : start + PER_RUN]
        await scene.ask(held, *(approve(scene, one, 1) for one in named))
    done = await scene.run(held, approve(scene, MALLORY, USDC))
    assert done.state is ActivityState.DONE
    real = Approval(scene.token, MALLORY, USDC)
    stopped = await approvals_of_session(scene.world, held.session)
    assert real not in stopped.items
    assert stopped.next is not None
    account_id = holding.account.id
    first = await approvals_of_account(scene.world, scene.principal, account_id=account_id)
    assert first == stopped
    assert await listed(scene, holding) == {real}
    for expected in (ActivityState.DONE, None):
        cleared = await clear_approvals(
            scene.world, scene.principal, scene.request(), account_id=account_id
        )
        assert (cleared.state if cleared else None) == expected
    assert await listed(scene, holding) == set()


async def test_every_session_of_an_account_is_looked_at(scene: Scene) -> None:
    """What delegating again revives, and what is approved, also of the last of very many."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    first = await approver(scene, holding)
    copies = [f"{first.id}{number:04}" for number in range(MOST + 1)]
    usage = await scene.world.store.read(lambda view: view.get(Usage, first.id))
    assert usage is not None

    def add(tx: Tx) -> None:
        for one in copies:
            tx.add(replace(first.session, id=one))
            tx.add(replace(usage, id=one))

    await scene.world.store.write(add)
    scene.clock.advance(1)
    last = await approver(scene, holding, recipients=(MALLORY,))
    assert len(copies) > 2 * SCANNED
    await scene.run(last, approve(scene, MALLORY, USDC))
    assert await listed(scene, holding) == {Approval(scene.token, MALLORY, USDC)}
    found = await alive_grants(scene.world, scene.principal, account_id=holding.account.id)
    assert {one.session.id for one in found} == {first.id, last.id, *copies}
    assert {one.session.id for one in found if one.stage is GrantStage.OPEN} == {last.id}


async def test_a_stranger_cannot_hide_for_whom_a_key_is_used(scene: Scene) -> None:
    """The attack: a thousand sessions of somebody else name the same public key."""
    secret = scene.new_key()
    command = scene.command(await scene.wallet(), secret=secret)
    first = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    stranger = await make_stranger(scene)
    usage = await scene.world.store.read(lambda view: view.get(Usage, first.session.id))
    assert usage is not None
    strange = await open_session.open_session(
        scene.world,
        stranger.principal,
        scene.request(),
        scene.command(None, proof=Proof.STAMP, secret=secret),
    )

    def add(tx: Tx) -> None:
        for number in range(MANY):
            key = f"ses_{number:024}"
            tx.add(replace(strange.session, id=key))
            tx.add(replace(usage, id=key))

    await scene.world.store.write(add)
    command = scene.command(await scene.wallet(), secret=secret)
    with pytest.raises(Conflict) as refused:
        await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    assert refused.value.code is Code.SESSION_KEY_IN_USE


async def test_looking_for_a_state_reads_so_many_sessions_at_a_time(scene: Scene) -> None:
    """The attack: a list that nothing is in keeps the server reading through all there is."""
    holding = await scene.wallet()
    frozen = await scene.open(holding)
    await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=frozen.id)
    scene.clock.advance(1)
    other = await scene.open(holding)
    usage = await scene.world.store.read(lambda view: view.get(Usage, other.id))
    assert usage is not None

    def add(tx: Tx) -> None:
        for number in range(scan.SCANNED):
            tx.add(replace(other.session, id=f"{other.id}{number:04}"))
            tx.add(replace(usage, id=f"{other.id}{number:04}"))

    await scene.world.store.write(add)

    async def look(after: str) -> tuple[list[str], str | None]:
        found, behind = await lists.sessions(
            scene.world,
            scene.principal,
            organization_id=scene.founded.organization.id,
            which=lists.WhichSessions(state=State.FROZEN),
            part=scan.Part(after=after, limit=1),
        )
        return [one.session.id for one in found], behind

    nothing, behind = await look("")
    assert nothing == []
    assert behind is not None
    listed, last = await look(behind)
    assert (listed, last) == ([frozen.id], frozen.id)
    assert await look(frozen.id) == ([], None)
