"""The owner's two signatures: they open a session, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child, make_stranger
from tests.flows.scene import HOUR_S, sign_typed
from tests.worlds import dump
from valetkey.core.credential import CredentialKind
from valetkey.core.errors import Code, Conflict, Malformed, NotFound, Unauthenticated
from valetkey.core.principal import ANONYMOUS, Principal, PrincipalKind
from valetkey.core.session import Proof, Session, State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import credentials, grant, open_session, stop
from valetkey.flows.prove import Bearer, authenticate

if TYPE_CHECKING:
    from tests.flows.scene import Holding, Scene


async def test_both_signatures_open_a_pending_session(scene: Scene) -> None:
    """With the owner's word on the grant and on its end, the session is open."""
    holding, session = await _pending(scene)
    opened = await scene.sign_grant(session, holding.secret or b"")
    assert opened.state is State.OPEN
    assert opened.grant is not None
    assert opened.grant.sealed_kill_note is not None


async def test_nobody_else_signs_for_the_owner(scene: Scene) -> None:
    """A stranger's signature, swapped ones, and one short of its length leave it pending."""
    holding, session = await _pending(scene)
    typed = await grant.consent_of(scene.world, scene.principal, session_id=session.id)
    owner, stranger = holding.secret or b"", scene.new_key()
    given, killed = (sign_typed(typed[name], owner) for name in ("grant", "kill_note"))
    before = await dump(scene.world)
    for first, second in (
        (sign_typed(typed["grant"], stranger), killed),
        (given, sign_typed(typed["kill_note"], stranger)),
        (killed, given),
        (given, given),
        (given[:64], killed),
        (b"", b""),
        (given, bytes(65)),
    ):
        with pytest.raises(Malformed) as refused:
            await _accept(scene, session, first, second)
        assert refused.value.code is Code.MALFORMED_SIGNATURE
    assert await dump(scene.world) == before


async def test_a_session_whose_time_is_over_takes_no_signature(scene: Scene) -> None:
    """Neither a pending one nor a revoked one: the chain would not take the grant either."""
    for is_revoked in (False, True):
        holding, late = await _pending(scene)
        if is_revoked:
            await _revoke(scene, late)
        scene.clock.advance(HOUR_S)
        with pytest.raises(Conflict) as refused:
            await scene.sign_grant(late, holding.secret or b"")
        assert refused.value.code is Code.SESSION_STATE


async def test_an_open_session_is_not_granted_again(scene: Scene) -> None:
    """Nor is one that was revoked after its owner had signed: its kill note is there already."""
    holding, session = await _pending(scene)
    await scene.sign_grant(session, holding.secret or b"")
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            await scene.sign_grant(session, holding.secret or b"")
        assert refused.value.code is Code.SESSION_STATE
        await _revoke(scene, session)


async def test_the_same_request_grants_once(scene: Scene) -> None:
    """A repeated request finds the session open and changes nothing."""
    holding, session = await _pending(scene)
    typed = await grant.consent_of(scene.world, scene.principal, session_id=session.id)
    request = scene.request()
    signed = [sign_typed(typed[name], holding.secret or b"") for name in ("grant", "kill_note")]
    for _ in range(2):
        opened = await grant.accept_grant(
            scene.world,
            scene.principal,
            request,
            session_id=session.id,
            owner_signature=signed[0],
            kill_note=signed[1],
        )
        assert opened.state is State.OPEN


async def test_only_the_organization_sees_and_grants(scene: Scene) -> None:
    """Nobody, a stranger, and another session are told nothing; a parent may not give power."""
    holding, session = await _pending(scene)
    other = await scene.open(await scene.wallet())
    stranger = await make_stranger(scene)
    for who, error in (
        (ANONYMOUS, Unauthenticated),
        (stranger.principal, NotFound),
        (other.principal, NotFound),
    ):
        with pytest.raises(error):
            await grant.consent_of(scene.world, who, session_id=session.id)
        with pytest.raises(error):
            await _accept(scene, session, b"", b"", who=who)
    child = await make_child(scene)
    publishable = Principal(
        PrincipalKind.PUBLISHABLE, child.organization.id, "crd", child.principal.access
    )
    with pytest.raises(NotFound):
        await grant.consent_of(scene.world, publishable, session_id=session.id)
    assert holding.secret is not None


async def test_a_publishable_key_carries_the_owners_word(scene: Scene) -> None:
    """The signatures are the proof, so a browser may bring them."""
    holding, session = await _pending(scene)
    _, token = await credentials.add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=CredentialKind.PUBLISHABLE,
        label="",
        public_key=None,
    )
    browser = await authenticate(scene.world, Bearer(token or ""), is_write=False)
    typed = await grant.consent_of(scene.world, browser, session_id=session.id)
    signed = [sign_typed(typed[name], holding.secret or b"") for name in ("grant", "kill_note")]
    opened = await _accept(scene, session, *signed, who=browser)
    assert opened.state is State.OPEN


async def _pending(scene: Scene) -> tuple[Holding, Session]:
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    opened = await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(holding, proof=Proof.CHAIN)
    )
    assert opened.session.state is State.PENDING
    return holding, opened.session


async def _revoke(scene: Scene, session: Session) -> None:
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=session.id)


async def _accept(
    scene: Scene,
    session: Session,
    owner_signature: bytes,
    kill_note: bytes,
    *,
    who: Principal | None = None,
) -> Session:
    return await grant.accept_grant(
        scene.world,
        who or scene.principal,
        scene.request(),
        session_id=session.id,
        owner_signature=owner_signature,
        kill_note=kill_note,
    )
