"""After a crash or a silent node: everything unfinished gets to its one end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.looks import again, reserved, stage
from tests.flows.scene import ALICE, USDC
from tests.worlds import CHAIN, dump
from valetkey.core.activity import ActivityState, NonceLine, nonce_line_id
from valetkey.core.budget import ReservationState
from valetkey.core.chain import GrantStage
from valetkey.core.session import Proof, Session, State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import delegation, freeze, open_session, reads, reconcile, stop

if TYPE_CHECKING:
    from tests.flows.scene import Scene

RUN_POINTS = (
    "run:before_book",
    "run:after_book",
    "run:before_sign",
    "run:after_sign",
    "relay:before_plan",
    "relay:after_plan",
    "relay:after_sign",
    "relay:before_send",
    "relay:after_send",
    "relay:before_settle",
    "relay:after_settle",
)


@pytest.mark.parametrize("point", RUN_POINTS)
async def test_a_run_that_was_cut_off_happens_once_or_never(scene: Scene, point: str) -> None:
    """Wherever the process ended, repeating the request and reconciling give one run."""
    held = await scene.open(await scene.wallet())
    request = scene.request()
    broken = replace(scene, world=replace(scene.world, checkpoint=CrashAt(point)))
    with pytest.raises(Crash):
        await broken.run(held, scene.transfer(USDC), request=request)
    first = await reconcile.reconcile(scene.world)
    again = await reconcile.reconcile(scene.world)
    was_written = point != "run:before_book"
    assert first.activities == (was_written and point != "relay:after_settle")
    assert again == reconcile.Reconciled(0, 0, 0, waiting=0, oldest_at=None)
    assert await scene.balance(ALICE) == (USDC if was_written else 0)
    done = await scene.run(held, scene.transfer(USDC), request=request)
    assert done.state is ActivityState.DONE
    assert await scene.balance(ALICE) == USDC
    assert await _nonce_used(scene) == await _nonce_planned(scene)


@pytest.mark.parametrize("point", ["stop:before_refuse", "stop:after_refuse"])
@pytest.mark.parametrize("how", ["revoke", "freeze"])
async def test_a_stop_that_was_cut_off_reaches_the_chain(
    scene: Scene, point: str, how: str
) -> None:
    """A stop that was written down is carried out; one that was not has changed nothing."""
    held = await scene.open(await scene.wallet())
    await scene.run(held, scene.transfer(USDC))
    before = await dump(scene.world)
    broken = replace(scene.world, checkpoint=CrashAt(point))
    act = stop.revoke if how == "revoke" else freeze.freeze
    with pytest.raises(Crash):
        await act(broken, scene.principal, scene.request(), session_id=held.id)
    if point == "stop:before_refuse":
        assert await dump(scene.world) == before
        return
    await reconcile.reconcile(scene.world)
    expected = GrantStage.REVOKED if how == "revoke" else GrantStage.FROZEN
    assert await stage(scene, held) is expected


@pytest.mark.parametrize("point", ["grant:before_sign", "grant:after_sign"])
async def test_a_session_that_was_cut_off_before_its_owner_signed_is_opened(
    scene: Scene, point: str
) -> None:
    """The owner's key is here, so nobody has to ask again."""
    holding = await scene.wallet()
    broken = replace(scene.world, checkpoint=CrashAt(point))
    with pytest.raises(Crash):
        await open_session.open_session(
            broken, scene.principal, scene.request(), scene.command(holding)
        )
    found = await scene.world.store.read(lambda view: view.find(Session, waits_here=1))
    assert len(found) == 1
    assert (await reconcile.reconcile(scene.world)).sessions == 1
    shown = await reads.session(scene.world, scene.principal, session_id=found[0].id)
    assert shown.state is State.OPEN
    assert (await reconcile.reconcile(scene.world)).sessions == 0


async def test_sessions_that_wait_for_somebody_else_hold_nothing_up(scene: Scene) -> None:
    """A thousand owners who never sign do not keep the one whose key is here from opening."""
    outside = await scene.wallet(OwnerKey.OUTSIDE)
    opened = await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(outside, proof=Proof.CHAIN)
    )
    usage, session = opened.usage, opened.session

    for start in range(0, 1100, 100):
        copies = [f"{session.id}/{number:05}" for number in range(start, start + 100)]
        await scene.world.store.write(
            lambda tx, copies=copies: [  # type: ignore[misc]
                (tx.add(replace(session, id=one)), tx.add(replace(usage, id=one))) for one in copies
            ]
        )
    broken = replace(scene.world, checkpoint=CrashAt("grant:before_sign"))
    scene.clock.advance(1)
    holding = await scene.wallet()
    with pytest.raises(Crash):
        await open_session.open_session(
            broken, scene.principal, scene.request(), scene.command(holding)
        )
    assert (await reconcile.reconcile(scene.world)).sessions == 1


async def test_a_run_that_nobody_signs_lapses_at_its_deadline(scene: Scene) -> None:
    """Not a second before; what only we may bring is given back at once."""
    limits = scene.permission(relayer=scene.world.relayer_address)
    held = await scene.open(
        await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN, permission=limits
    )
    planned = await scene.ask(held, scene.transfer(USDC))
    assert planned.run is not None
    scene.clock.set(planned.run.deadline - 1)
    assert (await reconcile.reconcile(scene.world)).activities == 0
    scene.clock.set(planned.run.deadline)
    assert (await reconcile.reconcile(scene.world)).activities == 1
    assert (await again(scene, planned)).state is ActivityState.LAPSED
    assert await reserved(scene, planned) is ReservationState.RELEASED


async def test_a_silent_chain_holds_up_nothing_but_itself(scene: Scene) -> None:
    """What cannot be settled now waits; what can is settled."""
    held = await scene.open(await scene.wallet(), proof=Proof.CHAIN)
    planned = await scene.ask(held, scene.transfer(USDC))
    scene.line.is_cut = True
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert planned.run is not None
    scene.clock.set(planned.run.deadline)
    assert (await reconcile.reconcile(scene.world)).activities == 1  # the run, which has lapsed
    scene.line.is_cut = False
    settled = await reconcile.reconcile(scene.world)
    assert settled.activities == 1
    assert await stage(scene, held) is GrantStage.REVOKED


async def test_an_activity_of_a_chain_that_is_gone_holds_up_nothing(scene: Scene) -> None:
    """An operator who takes a chain away does not stop the others from being settled."""
    held = await scene.open(await scene.wallet())
    scene.line.is_cut = True
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    gone = replace(scene.world, chains={})
    round_ = await reconcile.reconcile(gone)
    assert (round_.activities, round_.reservations, round_.sessions) == (0, 0, 0)
    assert (round_.waiting, round_.oldest_at is not None) == (1, True)
    scene.line.is_cut = False
    assert (await reconcile.reconcile(scene.world)).activities == 1


async def test_an_account_is_delegated_though_the_process_ended(scene: Scene) -> None:
    """A delegation that was written down is carried out."""
    holding = await scene.wallet(is_delegated=False)
    broken = replace(scene.world, checkpoint=CrashAt("relay:before_plan"))
    with pytest.raises(Crash):
        await delegation.delegate(
            broken,
            scene.principal,
            scene.request(),
            account_id=holding.account.id,
            signature=None,
        )
    await reconcile.reconcile(scene.world)
    code = await scene.chain.delegate_of(holding.account.address)
    assert code == scene.deployment.implementation


async def _nonce_used(scene: Scene) -> int:
    return await scene.chain.transaction_count(scene.world.relayer_address)


async def _nonce_planned(scene: Scene) -> int:
    key = nonce_line_id(CHAIN, scene.world.relayer_address)
    line = await scene.world.store.read(lambda view: view.get(NonceLine, key))
    assert line is not None
    return line.next_nonce
