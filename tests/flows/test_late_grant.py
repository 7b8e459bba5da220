"""An owner signs while the session is being revoked: nothing that they signed stays alive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.chainside import bring
from tests.flows.crash import Crash, CrashAt
from tests.flows.holders import as_holder
from tests.flows.looks import stage
from tests.flows.scene import USDC, Held, sign_typed
from tests.worlds import dump
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Malformed
from valetkey.core.session import Proof, State
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import NodeError
from valetkey.flows import grant, open_session, reads, reconcile, stop

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.activity import Request
    from valetkey.core.session import Session


class Late:
    """A pending session whose owner has signed, and whose signatures are still on their way."""

    def __init__(self, scene: Scene, held: Held, typed: dict[str, dict[str, object]]) -> None:
        owner = held.holding.secret or b""
        self.scene = scene
        self.held = held
        self.owner_signature = sign_typed(typed["grant"], owner)
        self.kill_note = sign_typed(typed["kill_note"], owner)

    async def revoke(self) -> Session:
        """Revoke the session, of which the server knows no signature."""
        scene = self.scene
        stopped = await stop.revoke(
            scene.world, scene.principal, scene.request(), session_id=self.held.id
        )
        assert stopped.activity.intent is None
        return stopped.session

    async def arrive(self, request: Request | None = None) -> Session:
        """Bring the owner's signatures to the server."""
        return await grant.accept_grant(
            self.scene.world,
            self.scene.principal,
            request or self.scene.request(),
            session_id=self.held.id,
            owner_signature=self.owner_signature,
            kill_note=self.kill_note,
        )

    def act(self, *, nonce: int = 0) -> None:
        """Use the grant past the server: whoever has the owner's signature can."""
        session = self.held.session
        assert session.grant is not None
        signed = replace(session.grant, owner_signature=self.owner_signature)
        signed_session = replace(session, grant=signed)
        bring(self.scene, self.held, signed_session, self.scene.transfer(USDC), nonce=nonce)


async def late(scene: Scene) -> Late:
    """Return a pending session that its owner has just signed."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    key = scene.new_key()
    command = scene.command(holding, proof=Proof.CHAIN, secret=key)
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    session = opened.session
    who = as_holder(session)
    typed = await grant.consent_of(scene.world, scene.principal, session_id=session.id)
    return Late(scene, Held(session, who, key, holding), typed)


async def test_what_the_owner_signed_too_late_is_killed_at_once(stored: Scene) -> None:
    """The session stays revoked, its kill note is on chain, and the grant opens nothing there."""
    coming = await late(stored)
    await coming.revoke()
    session = await coming.arrive()
    assert session.state is State.REVOKED
    assert await stage(stored, coming.held) is GrantStage.REVOKED
    assert [step.name for step in session.steps] == [
        "revoke_requested",
        "refused",
        "submitted",
        "included",
    ]
    with pytest.raises(NodeError):
        coming.act()
    assert await stored.moved() == 0


async def test_a_holder_who_was_faster_on_chain_is_stopped_there(scene: Scene) -> None:
    """They have the owner's signature and use it first; from the kill note on it is over."""
    coming = await late(scene)
    await coming.revoke()
    coming.act()
    assert await scene.moved() == USDC
    await coming.arrive()
    assert await stage(scene, coming.held) is GrantStage.REVOKED
    with pytest.raises(NodeError):
        coming.act(nonce=1)


async def test_what_is_not_the_owners_changes_nothing(scene: Scene) -> None:
    """A revoked session takes nobody else's word, and is not killed by it."""
    coming = await late(scene)
    await coming.revoke()
    before = await dump(scene.world)
    coming.owner_signature, coming.kill_note = coming.kill_note, coming.owner_signature
    with pytest.raises(Malformed):
        await coming.arrive()
    assert await dump(scene.world) == before


async def test_the_same_request_kills_once(stored: Scene) -> None:
    """A repeated request finds the session dead; no second transaction is paid for."""
    coming = await late(stored)
    await coming.revoke()
    request = stored.request()
    first = await coming.arrive(request)
    sent = await stored.chain.transaction_count(stored.world.stopper_address)
    assert await coming.arrive(request) == first
    assert await stored.chain.transaction_count(stored.world.stopper_address) == sent == 1


async def test_the_kill_note_waits_for_a_silent_chain(scene: Scene) -> None:
    """It is kept from the moment that it came, and sent when the chain is back."""
    coming = await late(scene)
    await coming.revoke()
    scene.line.is_cut = True
    assert (await coming.arrive()).state is State.REVOKED
    scene.line.is_cut = False
    await reconcile.reconcile(scene.world)
    assert await stage(scene, coming.held) is GrantStage.REVOKED


@pytest.mark.parametrize(
    "point", ["stop:after_open", "relay:before_plan", "relay:after_plan", "relay:before_send"]
)
async def test_a_crash_between_the_owners_word_and_the_chain_loses_nothing(
    scene: Scene, point: str
) -> None:
    """What was written down with the signatures is brought on by the next process."""
    coming = await late(scene)
    await coming.revoke()
    sane = scene.world
    scene.world = replace(sane, checkpoint=CrashAt(point))
    with pytest.raises(Crash):
        await coming.arrive()
    scene.world = sane
    scene.clock.advance(30)
    await reconcile.reconcile(scene.world)
    await reconcile.reconcile(scene.world)
    assert await stage(scene, coming.held) is GrantStage.REVOKED
    shown = await reads.session(scene.world, scene.principal, session_id=coming.held.id)
    assert shown.state is State.REVOKED
