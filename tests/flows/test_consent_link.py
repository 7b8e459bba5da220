"""A consent link: reads one consent, brings one pair of signatures, and is good for no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.people import sign_typed
from tests.flows.scene import HOUR_S
from tests.worlds import dump, make_organization
from valetkey.core.consent_link import ConsentLink
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed, NotFound, Unauthenticated
from valetkey.core.plan import consent
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Proof, State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import consent_link, grant, lists, open_session, reads
from valetkey.flows.prove import Bearer, authenticate
from valetkey.flows.stop import revoke

if TYPE_CHECKING:
    from tests.flows.people import Holding
    from tests.flows.scene import Scene
    from valetkey.core.principal import Principal
    from valetkey.flows.open_session import Opened


async def waiting(scene: Scene, holding: Holding | None = None) -> tuple[Opened, str]:
    """Return a session that waits for its owner, and the token of its link."""
    held = holding or await scene.wallet(OwnerKey.OUTSIDE)
    command = scene.command(held, proof=Proof.CHAIN)
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    assert opened.session.state is State.PENDING
    assert opened.link is not None
    return opened, opened.link


async def by(scene: Scene, token: str) -> Principal:
    """Return who *token* proves."""
    return await authenticate(scene.world, Bearer(token), is_write=False)


async def signatures(scene: Scene, principal: Principal, holding: Holding) -> tuple[bytes, bytes]:
    """Return what the owner signs of what the link shows."""
    found = await consent_link.linked(scene.world, principal)
    typed = consent(found.grant, found.account)
    assert holding.secret is not None
    return (
        sign_typed(typed["grant"], holding.secret),
        sign_typed(typed["kill_note"], holding.secret),
    )


async def sign(
    scene: Scene, principal: Principal, session_id: str, signed: tuple[bytes, bytes]
) -> State:
    """Bring signatures, and return what has become of the session."""
    session = await grant.accept_grant(
        scene.world,
        principal,
        scene.request(),
        session_id=session_id,
        owner_signature=signed[0],
        kill_note=signed[1],
    )
    return session.state


async def test_a_link_shows_and_opens_its_session(scene: Scene) -> None:
    """It proves a link, which is no session and no key; only its fingerprint is kept."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    opened, token = await waiting(scene, holding)
    principal = await by(scene, token)
    assert principal.kind is PrincipalKind.LINK
    found = await consent_link.linked(scene.world, principal)
    assert found.session == opened.session
    assert token not in str(await dump(scene.world))
    signed = await signatures(scene, principal, holding)
    assert await sign(scene, principal, opened.session.id, signed) is State.OPEN


async def test_a_link_is_over_once_its_session_is_not_pending(scene: Scene) -> None:
    """Signed, revoked or expired: the link shows nothing, and says what has become of it."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    opened, token = await waiting(scene, holding)
    principal = await by(scene, token)
    signed = await signatures(scene, principal, holding)
    await sign(scene, principal, opened.session.id, signed)
    other, other_token = await waiting(scene)
    await revoke(scene.world, scene.principal, scene.request(), session_id=other.session.id)
    before = await dump(scene.world)
    for one, state in ((token, "open"), (other_token, "revoked")):
        with pytest.raises(Conflict) as refused:
            await consent_link.linked(scene.world, await by(scene, one))
        assert refused.value.code is Code.SESSION_STATE
        assert refused.value.facts == {"state": state}
    with pytest.raises(Conflict):
        await sign(scene, principal, opened.session.id, signed)
    assert await dump(scene.world) == before


async def test_a_link_leads_to_one_session_alone(scene: Scene) -> None:
    """The owner's signatures for another session, brought by this link, open nothing."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    _, token = await waiting(scene, holding)
    other, other_token = await waiting(scene, holding)
    signed = await signatures(scene, await by(scene, other_token), holding)
    with pytest.raises(NotFound):
        await sign(scene, await by(scene, token), other.session.id, signed)
    shown = await reads.session(scene.world, scene.principal, session_id=other.session.id)
    assert shown.state is State.PENDING


async def test_a_link_is_nobody_in_every_other_flow(scene: Scene) -> None:
    """What is open to all who prove something is closed to a link."""
    opened, token = await waiting(scene)
    principal = await by(scene, token)
    for ask in (
        reads.session(scene.world, principal, session_id=opened.session.id),
        lists.activities(scene.world, principal, organization_id=principal.organization_id),
        grant.consent_of(scene.world, principal, session_id=opened.session.id),
        consent_link.renew_link(
            scene.world, principal, scene.request(), session_id=opened.session.id
        ),
    ):
        with pytest.raises(Forbidden) as refused:
            await ask
        assert refused.value.code is Code.NOT_ALLOWED


async def test_a_link_needs_the_owners_own_signatures(scene: Scene) -> None:
    """Whoever finds a link reads; to open the session they need the owner's key."""
    mine, theirs = [await scene.wallet(OwnerKey.OUTSIDE) for _ in range(2)]
    opened, token = await waiting(scene, mine)
    principal = await by(scene, token)
    signed = await signatures(scene, principal, theirs)
    with pytest.raises(Malformed) as refused:
        await sign(scene, principal, opened.session.id, signed)
    assert refused.value.code is Code.MALFORMED_SIGNATURE


async def test_a_link_runs_out(scene: Scene) -> None:
    """After `consent_link_s`, or with its session if that is earlier, it proves nothing."""
    scene.with_bounds(consent_link_s=60)
    _, token = await waiting(scene)
    scene.clock.advance(59)
    assert (await by(scene, token)).kind is PrincipalKind.LINK
    scene.clock.advance(1)
    with pytest.raises(Unauthenticated) as refused:
        await by(scene, token)
    assert refused.value.code is Code.LINK_EXPIRED
    scene.with_bounds(consent_link_s=10 * HOUR_S)
    opened, token = await waiting(scene)
    scene.clock.set(opened.session.expires_at)
    with pytest.raises(Unauthenticated):
        await by(scene, token)


async def test_a_new_link_ends_the_one_before(scene: Scene) -> None:
    """There is at most one; the same request again makes none, and shows no token."""
    opened, token = await waiting(scene)
    request, session_id = scene.request(), opened.session.id
    made = await consent_link.renew_link(
        scene.world, scene.principal, request, session_id=session_id
    )
    assert made.token is not None
    with pytest.raises(Unauthenticated) as refused:
        await by(scene, token)
    assert refused.value.code is Code.PROOF_REFUSED
    again = await consent_link.renew_link(
        scene.world, scene.principal, request, session_id=session_id
    )
    assert (again.link, again.token) == (made.link, None)
    assert (await by(scene, made.token)).subject_id == made.link.id
    links = await scene.world.store.read(lambda view: view.find(ConsentLink, session_id=session_id))
    assert links == [made.link]


async def test_only_who_may_open_sessions_makes_links(scene: Scene) -> None:
    """A stranger finds nothing; for an owner's key that is here there is nothing to link to."""
    opened, _ = await waiting(scene)
    stranger = await make_organization(scene.world, "Stranger")
    with pytest.raises(NotFound):
        await consent_link.renew_link(
            scene.world, stranger.principal, scene.request(), session_id=opened.session.id
        )
    sealed = await scene.wallet()
    done = await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(sealed, proof=Proof.CHAIN)
    )
    assert (done.session.state, done.link) == (State.OPEN, None)
    with pytest.raises(Conflict):
        await consent_link.renew_link(
            scene.world, scene.principal, scene.request(), session_id=done.session.id
        )


async def test_the_same_request_to_open_shows_no_link_again(scene: Scene) -> None:
    """The token is shown once; the link that was sent goes on working."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    command, request = scene.command(holding, proof=Proof.CHAIN), scene.request()
    first = await open_session.open_session(scene.world, scene.principal, request, command)
    again = await open_session.open_session(scene.world, scene.principal, request, command)
    assert (again.session, again.link) == (first.session, None)
    assert first.link is not None
    assert (await by(scene, first.link)).kind is PrincipalKind.LINK


@pytest.mark.parametrize("token", ["vk_consent_", "vk_consent_" + "A" * 43])
async def test_a_link_of_nobody_is_refused(scene: Scene, token: str) -> None:
    """It does not say more than any wrong token."""
    with pytest.raises(Unauthenticated) as refused:
        await by(scene, token)
    assert refused.value.code is Code.PROOF_REFUSED
