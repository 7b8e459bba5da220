"""Kill notes are kept sealed: a copy of the store ends no session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child, make_stranger
from tests.flows.looks import again, stage
from tests.flows.scene import Held, sign_typed
from tests.worlds import SeededEntropy, dump
from valetkey.adapters.vault.memory import MemoryVault
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Forbidden, NotFound, Unavailable, ValetkeyError
from valetkey.core.principal import Principal, PrincipalKind
from valetkey.core.session import Proof, Session, State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import grant, reads, reconcile, stop

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.activity import Intent


async def opened(scene: Scene) -> tuple[Held, bytes]:
    """Return an open session whose owner is outside, and the kill note that they signed."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await scene.open(holding, proof=Proof.CHAIN)
    typed = await grant.consent_of(scene.world, scene.principal, session_id=held.id)
    return held, sign_typed(typed["kill_note"], holding.secret or b"")


async def note(scene: Scene, who: Principal, held: Held) -> Intent:
    """Ask for the kill note of a session."""
    _, _, intent = await grant.kill_note_of(scene.world, who, session_id=held.id)
    return intent


async def everything(scene: Scene) -> str:
    """Return the whole store as text, bytes in hex."""
    return str(_in_hex(await dump(scene.world)))


def _in_hex(thing: object) -> object:
    if isinstance(thing, bytes):
        return thing.hex()
    if isinstance(thing, dict):
        return {key: _in_hex(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_in_hex(one) for one in thing]
    if hasattr(thing, "__dataclass_fields__"):
        return [_in_hex(getattr(thing, name)) for name in thing.__dataclass_fields__]
    return thing


async def test_the_store_has_no_kill_note_that_works(stored: Scene) -> None:
    """Until it is on its way to the chain, where everybody sees it, nothing stored holds it."""
    held, kill_note = await opened(stored)
    assert kill_note.hex() not in await everything(stored)
    assert (await note(stored, stored.principal, held)).data.find(kill_note) > 0
    assert kill_note.hex() not in await everything(stored)
    await stop.revoke(stored.world, stored.principal, stored.request(), session_id=held.id)
    assert await stage(stored, held) is GrantStage.REVOKED
    assert kill_note.hex() in await everything(stored)


async def test_it_is_handed_to_nobody_who_may_not_have_it(scene: Scene) -> None:
    """Neither a parent, a stranger's, a publishable key nor the session: it is the owner's."""
    parent = scene.principal
    child = await make_child(scene)
    scene.founded = child
    held, _ = await opened(scene)
    other = await make_stranger(scene)
    browser = scene.principal._replace(kind=PrincipalKind.PUBLISHABLE)
    refused: list[tuple[Principal, type[ValetkeyError]]] = [
        (parent, Forbidden),
        (other.principal, NotFound),
        (browser, Forbidden),
        (held.principal, Forbidden),
    ]
    for who, error in refused:
        with pytest.raises(error):
            await note(scene, who, held)
    assert (await note(scene, child.principal, held)).data


async def test_a_note_that_was_moved_to_another_session_does_not_open(scene: Scene) -> None:
    """Whoever can write the store cannot have one session's note end another, or hide its own."""
    held, _ = await opened(scene)
    other, _ = await opened(scene)
    assert held.session.grant is not None
    assert other.session.grant is not None
    moved = replace(held.session.grant, sealed_kill_note=other.session.grant.sealed_kill_note)
    await scene.world.store.write(lambda tx: tx.put(replace(held.session, grant=moved)))
    with pytest.raises(Unavailable) as refused:
        await note(scene, scene.principal, held)
    assert refused.value.code is Code.VAULT_REFUSED


async def test_a_vault_that_does_not_open_holds_up_no_refusal(scene: Scene) -> None:
    """The session is refused at once; its end follows on chain when the vault opens again."""
    held, _ = await opened(scene)
    sane = scene.world
    scene.world = replace(sane, vault=MemoryVault(SeededEntropy(7)))
    stopped = await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert stopped.session.state is State.REVOKED
    assert stopped.activity.state is ActivityState.AWAITING
    await reconcile.reconcile(scene.world)
    assert await stage(scene, held) is GrantStage.UNKNOWN
    again_asked = await stop.revoke(
        scene.world, scene.principal, scene.request(), session_id=held.id
    )
    assert again_asked.activity.state is ActivityState.DONE  # the first one is still on its way
    scene.world = sane
    await reconcile.reconcile(scene.world)
    assert (await again(scene, stopped.activity)).state is ActivityState.DONE
    assert await stage(scene, held) is GrantStage.REVOKED
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    assert isinstance(shown.session, Session)
    assert shown.session.steps[-1].name == "included"
