"""Sessions put on their chain before their first use: open when the chain says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_stranger
from tests.flows.people import sign_typed
from tests.flows.scene import ALICE, USDC
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict, Malformed, NotFound
from valetkey.core.grant import KillBy
from valetkey.core.plan import consent_digests
from valetkey.core.session import Proof, State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import (
    grant,
    open_session,
    stop,
)
from valetkey.flows.grant import granted
from valetkey.spec.permission_bytes import personal_digest
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from tests.flows.scene import Scene
from tests.flows.registering import (
    PERSONAL,
    asked,
    lines,
    registered,
    set_fund,
    signed,
    stage,
)


async def test_one_signature_makes_the_account_and_opens_the_session(scene: Scene) -> None:
    """The chain says that it is open, and only then do we; the kill note is the relayer's."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    assert session.state is State.PENDING
    done = await registered(scene, holding, session)
    assert done.activity.state is ActivityState.DONE, done.activity.outcome
    assert done.activity.kind == "session:register"
    assert done.session.state is State.OPEN
    assert granted(done.session).kill_by is KillBy.RELAYER
    assert await scene.chain.has_code(holding.account.address)
    assert await stage(scene, holding, session) is GrantStage.OPEN
    events = await lines(scene, session)
    assert events[-2:] == ["session:signed", "session:granted"]


async def test_the_same_signature_again_has_the_same_answer(scene: Scene) -> None:
    """Clients repeat it: nothing is sent twice, whatever the id of the request is."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    first = await registered(scene, holding, session)
    before = await dump(scene.world)
    again = await registered(scene, holding, session)
    assert again == first
    assert await dump(scene.world) == before


async def test_what_cannot_be_put_on_chain_leaves_it_pending(scene: Scene) -> None:
    """With the reason in the outcome; the owner may sign again, and the same signature counts."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    limit = await set_fund(scene, 0)
    failed = await registered(scene, holding, session)
    assert (failed.session.state, failed.activity.state) == (State.PENDING, ActivityState.FAILED)
    assert failed.activity.outcome is not None
    assert failed.activity.outcome.code == Code.SPONSORSHIP_EXCEEDED
    assert await stage(scene, holding, session) is GrantStage.UNKNOWN
    await set_fund(scene, limit)
    done = await registered(scene, holding, session)
    assert done.session.state is State.OPEN
    assert await stage(scene, holding, session) is GrantStage.OPEN


async def test_one_whose_owner_has_signed_is_put_on_chain_as_it_is(scene: Scene) -> None:
    """A session in use, which binds nobody: registered by whoever asks, with what is there."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    held = await scene.open(holding, proof=Proof.CHAIN)
    assert held.session.state is State.OPEN
    done = await registered(scene, holding, held.session, owner_signature=None)
    assert done.activity.state is ActivityState.DONE, done.activity.outcome
    assert granted(done.session).kill_by is KillBy.OWNER
    assert await stage(scene, holding, held.session) is GrantStage.OPEN
    used = await scene.run(held, scene.transfer(USDC))
    assert used.state is ActivityState.DONE, used.outcome
    assert await scene.balance(ALICE) == USDC


@pytest.mark.parametrize("is_clone", [True, False], ids=["clone", "delegated"])
async def test_the_owner_may_give_a_kill_note_of_their_own(scene: Scene, *, is_clone: bool) -> None:
    """Then no relayer has to be bound, and this server alone cannot end it on chain."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL if is_clone else None)
    command = scene.command(holding, proof=Proof.CHAIN)
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    session = opened.session
    assert holding.secret is not None
    typed = await grant.consent_of(scene.world, scene.principal, session_id=session.id)
    given, note = (sign_typed(typed[name], holding.secret) for name in ("grant", "kill_note"))
    with pytest.raises(Malformed, match="kill_note: expected the owner's, for the grant binds no"):
        await registered(scene, holding, session, owner_signature=given)
    done = await registered(scene, holding, session, owner_signature=given, kill_note=note)
    assert done.session.state is State.OPEN
    assert granted(done.session).kill_by is KillBy.OWNER
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=session.id)
    assert await stage(scene, holding, session) is GrantStage.REVOKED


async def test_what_is_not_the_owners_is_refused(scene: Scene) -> None:
    """By anybody else, over anything else, or nothing at all: it stays pending as it was."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session, other = await asked(scene, holding), await asked(scene, holding)
    mallory = scene.new_key()
    given, _ = consent_digests(granted(session), holding.account)
    before = await dump(scene.world)
    for signature in (
        sign_digest(personal_digest(given), mallory),
        sign_digest(given, mallory),
        signed(holding, other),
        signed(holding, session)[:-1],
        b"",
        None,
    ):
        with pytest.raises(Malformed) as refused:
            await registered(scene, holding, session, owner_signature=signature)
        assert refused.value.code is Code.MALFORMED_SIGNATURE
        assert refused.value.detail.startswith("owner_signature: expected")
    with pytest.raises(Malformed, match="kill_note: expected 65 bytes"):
        await registered(scene, holding, session, kill_note=signed(holding, session))
    assert await dump(scene.world) == before
    stranger = await make_stranger(scene)
    scene.founded = stranger
    with pytest.raises(NotFound):
        await registered(scene, holding, session)


async def test_a_session_that_is_over_is_not_registered(scene: Scene) -> None:
    """Its time is past: on chain it would be refused too."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PERSONAL)
    session = await asked(scene, holding)
    scene.clock.set(session.expires_at)
    with pytest.raises(Conflict, match="expected a session that is pending or open"):
        await registered(scene, holding, session)
