"""Ending a session: what is refused at once, and what reaches the chain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.chainside import bring
from tests.flows.family import make_stranger
from tests.flows.looks import stage
from tests.flows.people import WHOLE
from tests.flows.scene import ALICE, HOUR_S, USDC
from valetkey.core.activity import ActivityState, Request
from valetkey.core.budget import BudgetLine
from valetkey.core.chain import GrantStage
from valetkey.core.errors import (
    Code,
    Conflict,
    Forbidden,
    NotFound,
    Unauthenticated,
    ValetkeyError,
)
from valetkey.core.principal import ANONYMOUS
from valetkey.core.session import Proof, State
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import NodeError, dev_keys, transact
from valetkey.devchain.keys import DevKey
from valetkey.devchain.transact import delegate
from valetkey.flows import grant, open_session, organize, reads, reconcile, stop
from valetkey.flows.stop import Scope, Stopped

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.principal import Principal


@pytest.mark.parametrize("owner_key", WHOLE)
async def test_a_revoked_session_is_refused_on_both_planes(
    scene: Scene, owner_key: OwnerKey
) -> None:
    """Its kill note ends it on chain too, and the receipt has the time of each step in order."""
    held = await scene.open(await scene.wallet(owner_key), proof=Proof.CHAIN)
    scene.clock.advance(1)
    stopped = await _revoke(scene, held)
    assert stopped.session.state is State.REVOKED
    assert stopped.activity.state is ActivityState.DONE
    assert [(one.plane, one.name) for one in stopped.session.steps] == [
        ("server", "revoke_requested"),
        ("server", "refused"),
        ("chain", "submitted"),
        ("chain", "included"),
    ]
    times = [one.at_ms for one in stopped.session.steps]
    assert times == sorted(times)
    assert await stage(scene, held) is GrantStage.REVOKED
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_REVOKED
    with pytest.raises(NodeError):  # past the server
        bring(scene, held, held.session, scene.transfer(1), nonce=0)


async def test_revoking_twice_changes_nothing(scene: Scene) -> None:
    """The second revocation finds nothing to do, here or on chain."""
    held = await scene.open(await scene.wallet())
    first = await _revoke(scene, held)
    again = await _revoke(scene, held)
    assert again.session == first.session
    assert (again.activity.state, again.activity.attempts) == (ActivityState.DONE, ())


async def test_the_same_request_revokes_once(scene: Scene) -> None:
    """A repeated request finds the activity that it made."""
    held = await scene.open(await scene.wallet())
    request = scene.request()
    first = await stop.revoke(scene.world, scene.principal, request, session_id=held.id)
    again = await stop.revoke(scene.world, scene.principal, request, session_id=held.id)
    assert again == first


async def test_a_pending_session_is_revoked_without_a_chain(scene: Scene) -> None:
    """Nobody has signed it, so there is nothing to end on chain."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    opened = await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(holding, proof=Proof.CHAIN)
    )
    stopped = await stop.revoke(
        scene.world, scene.principal, scene.request(), session_id=opened.session.id
    )
    assert (stopped.session.state, stopped.activity.state) == ("revoked", "done")
    assert stopped.activity.intent is None


async def test_a_session_is_refused_though_the_chain_is_silent(scene: Scene) -> None:
    """Refusal needs no chain; the kill note follows when the chain is back."""
    held = await scene.open(await scene.wallet())
    scene.line.is_cut = True
    stopped = await _revoke(scene, held)
    assert stopped.session.state is State.REVOKED
    assert stopped.activity.state is ActivityState.READY
    scene.line.is_cut = False
    await reconcile.reconcile(scene.world)
    assert await stage(scene, held) is GrantStage.REVOKED
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    assert shown.session.steps[-1].name == "included"


@pytest.mark.parametrize("method", ["eth_feeHistory", "eth_estimateGas", "eth_sendRawTransaction"])
async def test_a_node_that_refuses_for_now_does_not_end_a_stop(scene: Scene, method: str) -> None:
    """What a node says about itself is no verdict on the kill note: it is tried again."""
    held = await scene.open(await scene.wallet())
    scene.with_bounds(wait_s=0)
    scene.line.refused[method] = "header not found"
    stopped = await _revoke(scene, held)
    assert stopped.session.state is State.REVOKED
    assert stopped.activity.state in {ActivityState.READY, ActivityState.SENDING}
    scene.line.refused.clear()
    await reconcile.reconcile(scene.world)
    assert await stage(scene, held) is GrantStage.REVOKED


async def test_a_stop_that_failed_is_brought_again_when_asked_again(scene: Scene) -> None:
    """Revoked here and alive on chain is no end: the next revocation sends the kill note again."""
    held = await scene.open(await scene.wallet())
    key = fund_line_id(scene.founded.organization.id, Fund.STOPS)
    line = await scene.world.store.read(lambda view: view.get(BudgetLine, key))
    assert line is not None
    await scene.world.store.write(lambda tx: tx.put(replace(line, limit=0)))
    failed = await _revoke(scene, held)
    assert failed.activity.outcome is not None
    assert failed.activity.outcome.code == Code.SPONSORSHIP_EXCEEDED
    await scene.world.store.write(lambda tx: tx.put(line))
    again = await _revoke(scene, held)
    assert again.activity.state is ActivityState.DONE
    assert await stage(scene, held) is GrantStage.REVOKED
    assert (await _revoke(scene, held)).activity.intent is None


async def test_a_stop_on_an_account_without_our_code_is_no_success(scene: Scene) -> None:
    """A call to an account that does nothing is mined and ends nothing: the receipt says so."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await scene.open(holding, proof=Proof.CHAIN)
    owner = DevKey(holding.secret or b"", holding.account.address)
    delegate(scene.rpc, scene.deployment.deployer, owner, ALICE)  # no code at all
    stopped = await _revoke(scene, held)
    assert stopped.session.state is State.REVOKED
    assert stopped.activity.state is ActivityState.FAILED
    assert stopped.activity.outcome is not None
    assert stopped.activity.outcome.code == Code.NOT_DELEGATED
    assert stopped.activity.outcome.fee_wei == 0
    delegate(scene.rpc, scene.deployment.deployer, owner, scene.deployment.implementation)
    assert (await _revoke(scene, held)).activity.state is ActivityState.DONE
    assert await stage(scene, held) is GrantStage.REVOKED


async def test_its_holder_closes_a_session(scene: Scene) -> None:
    """Giving power back needs nobody's leave, and reaches the chain as well."""
    held = await scene.open(await scene.wallet())
    closed = await stop.close(scene.world, held.principal, scene.request())
    assert closed.session.state is State.CLOSED
    assert closed.activity.state is ActivityState.DONE
    assert await stage(scene, held) is GrantStage.REVOKED


async def test_only_the_organization_revokes_and_only_the_holder_closes(scene: Scene) -> None:
    """A session revokes nothing, a backend closes nothing, and a stranger finds nothing."""
    held = await scene.open(await scene.wallet())
    stranger = (await make_stranger(scene)).principal
    world = scene.world
    refused: list[tuple[Principal, type[ValetkeyError]]] = [
        (ANONYMOUS, Unauthenticated),
        (held.principal, Forbidden),
        (stranger, NotFound),
    ]
    for who, error in refused:
        with pytest.raises(error):
            await stop.revoke(world, who, scene.request(), session_id=held.id)
        with pytest.raises(error):
            await stop.revoke_all(
                world,
                who,
                scene.request(),
                scope=Scope.ORGANIZATION,
                scope_id=scene.founded.organization.id,
            )
    for who, error in ((ANONYMOUS, Unauthenticated), (scene.principal, Forbidden)):
        with pytest.raises(error):
            await stop.close(world, who, scene.request())


@pytest.mark.parametrize("scope", list(Scope))
async def test_every_session_of_a_scope_is_revoked_together(scene: Scene, scope: Scope) -> None:
    """All that are not over end, on both planes, and no other session does."""
    user = await organize.add_user(scene.world, scene.principal, scene.request(), reference="u")
    holding = await scene.wallet(user_id=user.id)
    inside = [await scene.open(holding) for _ in range(3)]
    outside = await scene.open(await scene.wallet())
    await _revoke(scene, inside[0])
    scope_id = {
        Scope.USER: user.id,
        Scope.WALLET: holding.wallet.id,
        Scope.ORGANIZATION: scene.founded.organization.id,
    }[scope]
    expected = {one.id for one in inside[1:]}
    if scope is Scope.ORGANIZATION:
        expected.add(outside.id)
    stopped = await stop.revoke_all(
        scene.world, scene.principal, scene.request(), scope=scope, scope_id=scope_id
    )
    assert {one.session.id for one in stopped} == expected
    assert {one.session.state for one in stopped} == {State.REVOKED}
    for held in inside[1:]:
        assert await stage(scene, held) is GrantStage.REVOKED
    survives = scope is not Scope.ORGANIZATION
    shown = await reads.session(scene.world, scene.principal, session_id=outside.id)
    assert (shown.state is State.OPEN) is survives


async def test_the_same_request_revokes_all_once(scene: Scene) -> None:
    """A repeated request returns what it did; sessions opened since are not touched by it."""
    holding = await scene.wallet()
    held = await scene.open(holding)
    request = scene.request()
    first = await _revoke_all(scene, request, holding.wallet.id)
    later = await scene.open(holding)
    again = await _revoke_all(scene, request, holding.wallet.id)
    assert [one.activity.id for one in again] == [one.activity.id for one in first]
    assert [one.session.id for one in first] == [held.id]
    shown = await reads.session(scene.world, scene.principal, session_id=later.id)
    assert shown.state is State.OPEN
    with pytest.raises(Conflict) as refused:
        await _revoke_all(scene, Request(request.id, "other"), holding.wallet.id)
    assert refused.value.code is Code.REQUEST_ID_REUSED


async def test_sessions_that_are_over_are_left_alone(scene: Scene) -> None:
    """An expired session needs no kill note, and none is paid for."""
    holding = await scene.wallet()
    await scene.open(holding)
    scene.clock.advance(HOUR_S)
    assert await _revoke_all(scene, scene.request(), holding.wallet.id) == []


async def test_the_kill_note_works_without_this_server(scene: Scene) -> None:
    """What the owner keeps is enough: anybody may submit it, and the session is dead."""
    held = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    await scene.run(held, scene.transfer(USDC))
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    assert shown.session.grant is not None
    _, _, intent = await grant.kill_note_of(scene.world, scene.principal, session_id=held.id)
    transact(scene.rpc, dev_keys()[2], intent.to, data=intent.data)
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_REVOKED
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    assert shown.state is State.REVOKED
    assert [(step.plane, step.name) for step in shown.session.steps] == [("chain", "revoked")]


async def _revoke(scene: Scene, held: Held) -> Stopped:
    return await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)


async def _revoke_all(scene: Scene, request: Request, wallet_id: str) -> list[Stopped]:
    return await stop.revoke_all(
        scene.world, scene.principal, request, scope=Scope.WALLET, scope_id=wallet_id
    )
