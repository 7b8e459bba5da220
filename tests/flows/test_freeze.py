"""Freezing: refused at once, on chain where the owner has signed, and only undone by the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child
from tests.flows.looks import stage
from tests.flows.scene import USDC
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed
from valetkey.core.session import Proof, State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import freeze as freezing
from valetkey.flows import open_session, reads, reconcile, stop
from valetkey.spec import secp256k1

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.activity import Request
    from valetkey.flows.stop import Stopped


async def test_a_sealed_owner_freezes_on_both_planes(scene: Scene) -> None:
    """The server signs for the owner whose key it holds, both ways."""
    held = await _used(scene, OwnerKey.SEALED)
    frozen = await _freeze(scene, held)
    assert (frozen.session.state, frozen.activity.state) == (State.FROZEN, ActivityState.DONE)
    assert await stage(scene, held) is GrantStage.FROZEN
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_FROZEN
    thawed = await _unfreeze(scene, held)
    assert (thawed.session.state, thawed.activity.state) == (State.OPEN, ActivityState.DONE)
    assert await stage(scene, held) is GrantStage.OPEN
    assert (await scene.run(held, scene.transfer(1))).state is ActivityState.DONE


async def test_an_outside_owner_is_not_needed_to_freeze_here(scene: Scene) -> None:
    """The server refuses at once; the chain follows when the owner has signed."""
    held = await _used(scene, OwnerKey.OUTSIDE)
    frozen = await _freeze(scene, held)
    assert frozen.session.state is State.FROZEN
    assert frozen.activity.intent is None
    assert await stage(scene, held) is GrantStage.OPEN
    signed = await _freeze(scene, held, await _sign(scene, held, freeze=True))
    assert signed.activity.state is ActivityState.DONE
    assert await stage(scene, held) is GrantStage.FROZEN
    names = [(one.plane, one.name) for one in signed.session.steps]
    assert names == [
        ("server", "freeze_requested"),
        ("server", "refused"),
        ("chain", "submitted"),
        ("chain", "included"),
    ]


async def test_unfreezing_on_chain_needs_the_owner(scene: Scene) -> None:
    """Without the owner's signature it stays frozen on both planes."""
    held = await _used(scene, OwnerKey.OUTSIDE)
    await _freeze(scene, held, await _sign(scene, held, freeze=True))
    before = await dump(scene.world)
    with pytest.raises(Conflict) as refused:
        await _unfreeze(scene, held)
    assert refused.value.code is Code.SESSION_STATE
    for wrong in (
        await _sign(scene, held, freeze=True),
        await _sign(scene, held, freeze=False, key=scene.new_key()),
        b"",
    ):
        with pytest.raises(Malformed):
            await _unfreeze(scene, held, wrong)
    assert await dump(scene.world) == before
    thawed = await _unfreeze(scene, held, await _sign(scene, held, freeze=False))
    assert thawed.session.state is State.OPEN
    assert await stage(scene, held) is GrantStage.OPEN
    names = [(one.plane, one.name) for one in thawed.session.steps]
    assert names[-3:] == [("server", "unfrozen"), ("chain", "submitted"), ("chain", "included")]


async def test_a_bad_signature_changes_nothing(scene: Scene) -> None:
    """A freeze with a signature that is not the owner's is refused as a whole."""
    held = await _used(scene, OwnerKey.OUTSIDE)
    before = await dump(scene.world)
    with pytest.raises(Malformed):
        await _freeze(scene, held, bytes(65))
    assert await dump(scene.world) == before


async def test_nobody_but_the_organization_freezes_or_unfreezes(scene: Scene) -> None:
    """The holder never unfreezes, and a parent freezes only."""
    held = await _used(scene, OwnerKey.SEALED)
    for act in (freezing.freeze, freezing.unfreeze):
        with pytest.raises(Forbidden):
            await act(scene.world, held.principal, scene.request(), session_id=held.id)
    child = await make_child(scene)
    opened = await open_session.open_session(
        scene.world, child.principal, scene.request(), scene.command(None)
    )
    one = opened.session.id
    frozen = await freezing.freeze(scene.world, scene.principal, scene.request(), session_id=one)
    assert frozen.session.state is State.FROZEN
    with pytest.raises(Forbidden):
        await freezing.unfreeze(scene.world, scene.principal, scene.request(), session_id=one)
    thawed = await freezing.unfreeze(scene.world, child.principal, scene.request(), session_id=one)
    assert thawed.session.state is State.OPEN  # a session without an account thaws as well


async def test_a_session_that_is_over_is_not_frozen(scene: Scene) -> None:
    """Freezing an ended session, or unfreezing an open one, is refused."""
    held = await _used(scene, OwnerKey.SEALED)
    with pytest.raises(Conflict):
        await _unfreeze(scene, held)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    with pytest.raises(Conflict):
        await _freeze(scene, held)


async def test_a_frozen_session_can_be_revoked(scene: Scene) -> None:
    """Revoking ends a frozen session, on chain as well, and it never thaws."""
    held = await _used(scene, OwnerKey.SEALED)
    await _freeze(scene, held)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert await stage(scene, held) is GrantStage.REVOKED
    with pytest.raises(Conflict):
        await _unfreeze(scene, held)


async def test_a_session_is_frozen_here_though_the_chain_is_silent(scene: Scene) -> None:
    """Refusal needs no chain; the owner's word that we hold follows when the chain is back."""
    held = await _used(scene, OwnerKey.SEALED)
    scene.line.is_cut = True
    frozen = await _freeze(scene, held)
    assert frozen.session.state is State.FROZEN
    assert frozen.activity.state is ActivityState.AWAITING
    scene.line.is_cut = False
    await reconcile.reconcile(scene.world)
    assert await stage(scene, held) is GrantStage.FROZEN


async def test_a_word_that_was_overtaken_does_not_reach_the_chain(scene: Scene) -> None:
    """A freeze that waited for the chain is void once the session is in use again."""
    held = await _used(scene, OwnerKey.SEALED)
    scene.line.is_cut = True
    frozen = await _freeze(scene, held)
    await _unfreeze(scene, held)
    scene.line.is_cut = False
    await reconcile.reconcile(scene.world)
    await reconcile.reconcile(scene.world)
    assert await stage(scene, held) is GrantStage.OPEN
    ended = await reads.activity(scene.world, scene.principal, activity_id=frozen.activity.id)
    assert ended.state is ActivityState.LAPSED
    assert (await scene.run(held, scene.transfer(1))).state is ActivityState.DONE


async def test_switches_reach_the_chain_one_after_the_other(scene: Scene) -> None:
    """An unfreeze asked for while the freeze is on its way comes after it, or is refused."""
    scene.with_bounds(wait_s=0)
    sealed = await _used(scene, OwnerKey.SEALED)
    outside = await _used(scene, OwnerKey.OUTSIDE)
    signature = await _sign(scene, outside, freeze=True)
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    await _freeze(scene, sealed)
    await _freeze(scene, outside, signature)
    await _unfreeze(scene, sealed)
    with pytest.raises(Conflict) as refused:
        await _unfreeze(scene, outside)
    assert refused.value.code is Code.SESSION_STATE
    for _ in range(4):
        scene.rpc.ask("evm_mine")
        await reconcile.reconcile(scene.world)
    assert await stage(scene, sealed) is GrantStage.OPEN
    assert await stage(scene, outside) is GrantStage.FROZEN
    scene.rpc.ask("evm_setAutomine", True)  # noqa: FBT003 - JSON-RPC's own
    assert (await scene.run(sealed, scene.transfer(1))).state is ActivityState.DONE


async def test_the_same_request_is_not_carried_out_again(scene: Scene) -> None:
    """An old unfreeze that is repeated after a new freeze gives no power back."""
    held = await _used(scene, OwnerKey.SEALED)
    await _freeze(scene, held)
    request = scene.request()
    first = await _unfreeze(scene, held, request=request)
    await _freeze(scene, held)
    again = await _unfreeze(scene, held, request=request)
    assert again.activity == first.activity
    assert again.session.state is State.FROZEN
    assert await stage(scene, held) is GrantStage.FROZEN


async def _used(scene: Scene, owner_key: OwnerKey) -> Held:
    held = await scene.open(await scene.wallet(owner_key), proof=Proof.CHAIN)
    done = await scene.run(held, scene.transfer(USDC))
    assert done.state in {ActivityState.DONE, ActivityState.SENDING}
    return held


async def _sign(scene: Scene, held: Held, *, freeze: bool, key: bytes | None = None) -> bytes:
    note = await freezing.freeze_note(
        scene.world, scene.principal, session_id=held.id, freeze=freeze
    )
    return secp256k1.sign_digest(note.digest, key or held.holding.secret or b"")


async def _freeze(
    scene: Scene, held: Held, signature: bytes | None = None, *, request: Request | None = None
) -> Stopped:
    return await freezing.freeze(
        scene.world,
        scene.principal,
        request or scene.request(),
        session_id=held.id,
        owner_signature=signature,
    )


async def _unfreeze(
    scene: Scene, held: Held, signature: bytes | None = None, *, request: Request | None = None
) -> Stopped:
    return await freezing.unfreeze(
        scene.world,
        scene.principal,
        request or scene.request(),
        session_id=held.id,
        owner_signature=signature,
    )
