"""Revocations that the owner signs when they are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_stranger
from tests.flows.looks import stage
from tests.flows.people import Held, sign_typed
from tests.worlds import dump
from valetkey.core.asked_revocation import AskedRevocation
from valetkey.core.chain import GrantStage
from valetkey.core.credential import CredentialKind
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed, NotFound
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.session import Proof, Session, State, Usage
from valetkey.core.surface import Surface
from valetkey.core.token import TokenPrefix
from valetkey.core.wallet import OwnerKey
from valetkey.flows import freeze, grant, open_session, organize, reads, stop
from valetkey.flows.credentials import add_credential
from valetkey.flows.gate import present
from valetkey.flows.revocation import ask_revocation, asked_of, sessions_of_key, sign_revocation
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from tests.flows.people import Holding
    from tests.flows.scene import Scene
    from valetkey.ports import Tx


async def owned(scene: Scene) -> Held:
    """Return an open session of an owner whose key is outside."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    return await scene.open(holding, proof=Proof.CHAIN)


async def note_by(scene: Scene, held: Held, key: bytes | None) -> bytes:
    """Return the signature of *key* over what revokes the session."""
    typed = await grant.consent_of(scene.world, scene.principal, session_id=held.id)
    assert key is not None
    return sign_typed(typed["kill_note"], key)


async def ask(scene: Scene, held: Held, who: Principal | None = None, **how: bool) -> Session:
    """Ask for the end of a session."""
    return await ask_revocation(
        scene.world, who or scene.principal, scene.request(), session_id=held.id, **how
    )


async def sign(scene: Scene, held: Held, signature: bytes, who: Principal | None = None) -> Session:
    """Bring a signature."""
    return await sign_revocation(
        scene.world,
        who or scene.principal,
        scene.request(),
        session_id=held.id,
        signature=signature,
    )


async def carrier(scene: Scene) -> Principal:
    """Return whoever has a publishable key of the organization, which is anybody."""
    credential, _ = await add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=CredentialKind.PUBLISHABLE,
        label="page",
        public_key=None,
    )
    who = (PrincipalKind.PUBLISHABLE, credential.organization_id, credential.id)
    return Principal(*who, Access.READ)


async def waits(scene: Scene, held: Held) -> bool:
    """Say whether a revocation of the session waits for its owner."""
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    asked = await scene.world.store.read(lambda view: asked_of(scene.world, view, shown.session))
    return asked is not None


@pytest.mark.parametrize("is_frozen", [False, True])
async def test_the_owners_signature_ends_a_session_on_both_planes(
    scene: Scene, *, is_frozen: bool
) -> None:
    """It acts until the signature is there; whoever brings it needs no power of their own."""
    held = await owned(scene)
    await ask(scene, held)
    assert await waits(scene, held)
    await scene.run(held, scene.transfer(1))
    if is_frozen:
        await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=held.id)
    signature = await note_by(scene, held, held.holding.secret)
    ended = await sign(scene, held, signature, await carrier(scene))
    assert ended.state is State.REVOKED
    assert await stage(scene, held) is GrantStage.REVOKED
    assert not await waits(scene, held)
    again = await sign(scene, held, signature, await carrier(scene))
    assert again == ended


async def test_nobody_elses_signature_ends_it(scene: Scene) -> None:
    """Not the session key's, not a stranger's, not the owner's over something else."""
    held = await owned(scene)
    await ask(scene, held)
    before = await dump(scene.world)
    typed = await grant.consent_of(scene.world, scene.principal, session_id=held.id)
    for signature in (
        await note_by(scene, held, held.secret),
        await note_by(scene, held, scene.new_key()),
        sign_typed(typed["grant"], held.holding.secret or b""),
        b"\x01" * 65,
        b"",
    ):
        with pytest.raises(Malformed) as refused:
            await sign(scene, held, signature)
        assert refused.value.code is Code.MALFORMED_SIGNATURE
        assert refused.value.detail.startswith("signature: expected 65 bytes by 0x")
    assert await dump(scene.world) == before
    assert await waits(scene, held)


async def test_what_the_owner_never_signed_ends_when_it_is_asked_for(scene: Scene) -> None:
    """There is nothing on chain that a signature could end."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    opened = await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(holding, proof=Proof.CHAIN)
    )
    request = scene.request()
    for _ in range(2):
        ended = await ask_revocation(
            scene.world, scene.principal, request, session_id=opened.session.id
        )
        assert ended.state is State.REVOKED


async def test_what_is_over_is_not_asked_to_end(scene: Scene) -> None:
    """One sentence says in which state it is."""
    held = await owned(scene)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    with pytest.raises(Conflict, match="got one that is revoked"):
        await ask(scene, held)


async def test_a_stop_natively_in_between_leaves_nothing_waiting(scene: Scene) -> None:
    """And the owner's signature, which comes too late, is no error."""
    held = await owned(scene)
    await ask(scene, held)
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert not await waits(scene, held)
    signature = await note_by(scene, held, held.holding.secret)
    assert (await sign(scene, held, signature)).state is State.REVOKED


async def same_key(scene: Scene, holding: Holding) -> list[Held]:
    """Return two sessions of one key."""
    key = scene.new_key()
    found = []
    for _ in range(2):
        command = scene.command(holding, proof=Proof.CHAIN, secret=key)
        opened = await open_session.open_session(
            scene.world, scene.principal, scene.request(), command
        )
        session = await scene.sign_grant(opened.session, holding.secret or b"")
        found.append(Held(session, scene.principal, key, holding))
    return found


@pytest.mark.parametrize("by_key", [False, True])
async def test_a_key_ends_with_all_its_sessions_if_it_was_named(
    scene: Scene, *, by_key: bool
) -> None:
    """One session that was named by its id ends alone; a key that was named is worth nothing."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    first, second = await same_key(scene, holding)
    grant_key = first.session.grant
    assert grant_key is not None
    found = await scene.world.store.read(
        lambda view: sessions_of_key(
            view, first.session.organization_id, holding.account.id, grant_key.session_key
        )
    )
    assert {one.id for one in found} == {second.id, first.id}
    await ask(scene, second, by_key=by_key)
    await sign(scene, second, await note_by(scene, second, holding.secret))
    assert await stage(scene, second) is GrantStage.REVOKED
    other = await reads.session(scene.world, scene.principal, session_id=first.id)
    assert other.session.state is (State.REVOKED if by_key else State.OPEN)
    if by_key:
        assert await stage(scene, first) is GrantStage.REVOKED


async def test_others_neither_ask_nor_bring(scene: Scene) -> None:
    """Another organization, the session itself, another user's client: there is no such session."""
    user = await organize.add_user(
        scene.world, scene.principal, scene.request(), reference="mallory"
    )
    held = await owned(scene)
    client = scene.command(
        None,
        proof=Proof.BEARER,
        access=Access.WRITE,
        user_id=user.id,
        surface=Surface.OPENFORT,
        prefix=TokenPrefix.SESSION,
    )
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), client)
    own = scene.principal.organization_id
    who = (PrincipalKind.SESSION, own, opened.session.id, Access.WRITE)
    signature = await note_by(scene, held, held.holding.secret)
    stranger = await make_stranger(scene)
    for principal in (stranger.principal, Principal(*who)):
        with pytest.raises(NotFound):
            await ask(scene, held, principal)
        with pytest.raises(NotFound):
            await sign(scene, held, signature, principal)
    with pytest.raises(Forbidden):
        await ask(scene, held, held.principal)
    with pytest.raises(Forbidden):
        await ask(scene, held, scene.principal._replace(scopes=frozenset()))
    found = await scene.world.store.read(lambda view: view.get(AskedRevocation, held.id))
    assert found is None


async def test_sessions_of_others_do_not_hide_one_by_its_key(scene: Scene) -> None:
    """Where one key serves several accounts, whoever opens any number under it hides none."""
    held = await owned(scene)
    session = held.session

    def body(tx: Tx) -> None:
        usage = present(tx.get(Usage, session.id), "session")
        for at in range(MAX_FOUND):
            other = replace(session, id=f"ses_zz{at}", account_id="acc_other", fingerprint=None)
            tx.add(other)
            tx.add(replace(usage, id=other.id))

    await scene.world.store.write(body)
    assert session.grant is not None
    owner, key = session.organization_id, session.grant.session_key
    account_id = session.account_id or ""
    found = await scene.world.store.read(lambda view: sessions_of_key(view, owner, account_id, key))
    assert [one.id for one in found] == [session.id]
