"""Keys change, sessions stay: the new key is in use at once, the old one refused at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.flows.holders import as_holder
from tests.flows.keys import make_stamp, public_key, sign
from tests.flows.scene import USDC, make_scene
from tests.http.gates import GatedStore
from tests.worlds import dump
from valetkey.adapters.store.memory import MemoryStore
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed, NotFound, Unauthenticated
from valetkey.core.rotation import NewKey, key_statement, thumbprint_of
from valetkey.core.session import Proof, Session
from valetkey.core.wallet import Curve
from valetkey.flows import credentials, freeze, lists, open_session, prove, stop
from valetkey.flows.rotate_key import rotate_credential_key, rotate_session_key

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import PublicKey
    from valetkey.ports import Tx

_NONCES: Final = iter(range(10**6))


def new_key(holder_id: str, old: PublicKey | None, secret: bytes) -> NewKey:
    """Return the key of *secret*, which has signed to be the holder's in the place of *old*."""
    new = public_key(Curve.P256, secret)
    assert old is not None
    return NewKey(new, sign(Curve.P256, secret, key_statement(holder_id, old=old, new=new)))


async def entered(scene: Scene, holder_id: str, secret: bytes) -> Principal:
    """Return who a request proves that *secret* signs."""
    nonce = f"nonce-of-16-chars-{next(_NONCES)}"
    stamp = make_stamp(holder_id, secret, created=scene.clock.now(), nonce=nonce)
    return await prove.authenticate(scene.world, stamp, is_write=True)


async def rotate(scene: Scene, held: Held, secret: bytes) -> Session:
    """Let the holder change to *secret*."""
    who = await entered(scene, held.id, held.secret)
    new = new_key(held.id, held.session.key, secret)
    return await rotate_session_key(scene.world, who, scene.request(), new)


async def test_a_session_goes_on_under_a_new_key(scene: Scene) -> None:
    """Nothing about it changes but its key: no log-in, no new consent, no new grant."""
    held = await scene.open(await scene.wallet())
    await scene.run(held, scene.transfer(USDC))
    secret = scene.new_key()
    rotated = await rotate(scene, held, secret)
    assert rotated == replace(held.session, key=rotated.key)
    assert rotated.key == public_key(Curve.P256, secret)
    with pytest.raises(Unauthenticated) as refused:
        await entered(scene, held.id, held.secret)
    assert refused.value.code is Code.PROOF_REFUSED
    assert (await entered(scene, held.id, secret)).subject_id == held.id
    goes_on = replace(held, session=rotated, principal=as_holder(rotated))
    await scene.run(goes_on, scene.transfer(USDC))
    assert await scene.moved() == 2 * USDC


async def test_a_change_of_key_is_an_activity_and_a_line(stored: Scene) -> None:
    """Who held a session when can be told afterwards; by the thumbprints of the keys."""
    held = await stored.open(await stored.wallet())
    rotated = await rotate(stored, held, stored.new_key())
    assert held.session.key is not None
    assert rotated.key is not None
    lines, _ = await lists.audit_log(
        stored.world, stored.principal, organization_id=held.session.organization_id
    )
    line = lines[-1]
    assert (line.event, line.subject_id) == ("session:key_rotated", held.id)
    assert line.facts == {
        "old_key": thumbprint_of(held.session.key),
        "new_key": thumbprint_of(rotated.key),
    }
    activities = (await dump(stored.world))["Activity"]
    assert [one.subject_id for one in activities if one.kind == "session:rotate_key"] == [held.id]  # type: ignore[attr-defined]


async def test_the_key_of_a_chain_session_stays(scene: Scene) -> None:
    """The owner signed for that key, and the chain knows no other."""
    held = await scene.open(await scene.wallet(), proof=Proof.CHAIN)
    who = held.principal._replace(request_id="one")
    new = new_key(held.id, held.session.key, scene.new_key())
    before = await dump(scene.world)
    with pytest.raises(Conflict) as refused:
        await rotate_session_key(scene.world, who, scene.request(), new)
    assert refused.value.code is Code.SESSION_KEY_FIXED
    assert "open a new session" in refused.value.detail
    assert await dump(scene.world) == before


async def test_a_key_is_changed_by_its_holder_alone(scene: Scene) -> None:
    """Not by a token, not by a backend, and not by a session without a key."""
    held = await scene.open(await scene.wallet())
    new = new_key(held.id, held.session.key, scene.new_key())
    bearer = await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(None, proof=Proof.BEARER)
    )
    keyless = as_holder(bearer.session)._replace(request_id="one")
    before = await dump(scene.world)
    for who in (held.principal, scene.principal):  # neither has signed
        with pytest.raises(Forbidden) as refused:
            await rotate_session_key(scene.world, who, scene.request(), new)
        assert refused.value.code is Code.NOT_ALLOWED
    with pytest.raises(Conflict):
        await rotate_session_key(scene.world, keyless, scene.request(), new)
    assert await dump(scene.world) == before


async def test_a_key_that_did_not_sign_is_not_taken(scene: Scene) -> None:
    """A holder cannot give the session to whoever did not ask for it, nor keep the old key."""
    held, other = [await scene.open(await scene.wallet()) for _ in range(2)]
    who = held.principal._replace(request_id="one")
    good = new_key(held.id, held.session.key, scene.new_key())
    before = await dump(scene.world)
    for new in (
        replace(good, signature=bytes(64)),
        replace(good, signature=b""),
        new_key(other.id, held.session.key, scene.new_key()),
        new_key(held.id, other.session.key, scene.new_key()),
        new_key(held.id, held.session.key, held.secret),
    ):
        with pytest.raises(Malformed):
            await rotate_session_key(scene.world, who, scene.request(), new)
    assert await dump(scene.world) == before


async def test_a_key_of_another_account_is_not_taken(scene: Scene) -> None:
    """One key holds the sessions of one account, by this way, too."""
    held, other = [await scene.open(await scene.wallet()) for _ in range(2)]
    with pytest.raises(Conflict) as refused:
        await rotate(scene, held, other.secret)
    assert refused.value.code is Code.SESSION_KEY_IN_USE
    await rotate(scene, held, secret := scene.new_key())
    command = scene.command(await scene.wallet(), secret=secret)
    with pytest.raises(Conflict):  # the new key is found as the old one was
        await open_session.open_session(scene.world, scene.principal, scene.request(), command)


@pytest.mark.parametrize("end", ["frozen", "revoked"])
async def test_the_key_of_a_session_that_is_stopped_stays(scene: Scene, end: str) -> None:
    """A holder who was stopped in between changes nothing any more."""
    held = await scene.open(await scene.wallet())
    who = await entered(scene, held.id, held.secret)
    verb = freeze.freeze if end == "frozen" else stop.revoke
    await verb(scene.world, scene.principal, scene.request(), session_id=held.id)
    new = new_key(held.id, held.session.key, scene.new_key())
    with pytest.raises(Forbidden) as refused:
        await rotate_session_key(scene.world, who, scene.request(), new)
    assert refused.value.code.value == f"session_{end}"


async def test_of_two_changes_at_once_one_happens(scene: Scene) -> None:
    """The second one is in the place of a key that is not there any more."""
    held = await scene.open(await scene.wallet())
    who = [held.principal._replace(request_id=name) for name in "ab"]
    keys = [new_key(held.id, held.session.key, scene.new_key()) for _ in who]
    pairs = zip(who, keys, strict=True)
    done = await asyncio.gather(
        *(rotate_session_key(scene.world, one, scene.request(), new) for one, new in pairs),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["Session", "Unauthenticated"]


async def test_a_request_of_the_old_key_that_is_under_way_is_refused() -> None:
    """Between the look at the key and the note of its use it was changed: the note finds out."""
    store = GatedStore()
    await store.open()
    scene = await make_scene(store=store)
    held = await scene.open(await scene.wallet())
    store.gate.clear()
    store.arrived.clear()
    entering = asyncio.create_task(entered(scene, held.id, held.secret))
    await store.arrived.wait()
    other = public_key(Curve.P256, scene.new_key())

    def change(tx: Tx) -> None:
        tx.put(replace(held.session, key=other))

    await MemoryStore.write(store, change)
    store.gate.set()
    with pytest.raises(Unauthenticated) as refused:
        await entering
    assert refused.value.__notes__ == ["key_rotated"]


async def _credential(scene: Scene, secret: bytes) -> Credential:
    credential, _ = await credentials.add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=CredentialKind.P256,
        label="hsm",
        public_key=public_key(Curve.P256, secret),
    )
    return credential


async def test_a_credential_goes_on_under_a_new_key(stored: Scene) -> None:
    """The same id, the same power; the old key is refused at once, and the log has a line."""
    old, new = stored.new_key(), stored.new_key()
    credential = await _credential(stored, old)
    who = await entered(stored, credential.id, old)
    wanted = new_key(credential.id, credential.public_key, new)
    request = stored.request()
    rotated = await rotate_credential_key(
        stored.world, who, request, wanted, credential_id=credential.id
    )
    by_new = await entered(stored, credential.id, new)
    again = await rotate_credential_key(
        stored.world, by_new, request, wanted, credential_id=credential.id
    )
    assert rotated == again == replace(credential, public_key=wanted.key)
    with pytest.raises(Unauthenticated):
        await entered(stored, credential.id, old)
    assert (await entered(stored, credential.id, new)).subject_id == credential.id
    lines, _ = await lists.audit_log(
        stored.world, stored.principal, organization_id=credential.organization_id
    )
    assert [one.event for one in lines].count("credential:key_rotated") == 1


async def test_a_credential_is_changed_by_nobody_else(scene: Scene) -> None:
    """Another key of the organization may revoke it; it cannot become it."""
    old = scene.new_key()
    credential, beside = await _credential(scene, old), await _credential(scene, scene.new_key())
    wanted = new_key(credential.id, credential.public_key, scene.new_key())
    who = await entered(scene, credential.id, old)
    stranger = who._replace(organization_id="org_other")
    before = await dump(scene.world)
    for principal, error in (
        (scene.principal, Forbidden),
        (who._replace(subject_id=beside.id, key=beside.public_key), Forbidden),
        (who._replace(request_id=None), Forbidden),
        (stranger, NotFound),
    ):
        with pytest.raises(error):
            await rotate_credential_key(
                scene.world, principal, scene.request(), wanted, credential_id=credential.id
            )
    assert await dump(scene.world) == before
    await credentials.revoke_credential(
        scene.world, scene.principal, scene.request(), credential_id=credential.id
    )
    with pytest.raises(Unauthenticated):
        await rotate_credential_key(
            scene.world, who, scene.request(), wanted, credential_id=credential.id
        )
