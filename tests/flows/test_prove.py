"""The one door: which proofs are accepted, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.keys import COVERED, make_stamp, public_key
from tests.flows.scene import HOUR_S
from valetkey.core.activity import SeenNonce
from valetkey.core.credential import CredentialKind
from valetkey.core.errors import Code, Forbidden, Unauthenticated, ValetkeyError
from valetkey.core.principal import ANONYMOUS, Access, PrincipalKind
from valetkey.core.session import Proof, Session
from valetkey.core.stamp import CLOCK_BOUND_S
from valetkey.core.wallet import Curve
from valetkey.flows import credentials, freeze, open_session, prove, reconcile, stop
from valetkey.flows.forget import EVERY_S
from valetkey.flows.prove import Bearer

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.principal import Principal
    from valetkey.core.stamp import Stamp


async def test_no_proof_is_nobody(scene: Scene) -> None:
    """Without a proof there is nobody, who may do nothing by default."""
    assert await prove.authenticate(scene.world, None, is_write=True) is ANONYMOUS


async def test_an_api_key_proves_its_organization(scene: Scene) -> None:
    """A secret key writes; a publishable one reads nothing of the organization."""
    found = await prove.authenticate(scene.world, Bearer(scene.founded.secret), is_write=True)
    assert found == scene.principal
    _, token = await credentials.add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=CredentialKind.PUBLISHABLE,
        label="",
        public_key=None,
    )
    browser = await prove.authenticate(scene.world, Bearer(token or ""), is_write=False)
    assert (browser.kind, browser.access) == (PrincipalKind.PUBLISHABLE, Access.READ)


@pytest.mark.parametrize(
    "token", ["", "vk_secret_", "vk_session_x", "vk_public_x", "x" * 129, "vk_secret_é"]
)
async def test_a_token_that_nobody_has_proves_nothing(scene: Scene, token: str) -> None:
    """Every unknown string gets the same answer."""
    with pytest.raises(Unauthenticated) as refused:
        await prove.authenticate(scene.world, Bearer(token), is_write=False)
    assert refused.value.code is Code.PROOF_REFUSED


@pytest.mark.parametrize(
    ("end", "error", "code"),
    [
        ("revoked", Unauthenticated, Code.SESSION_REVOKED),
        ("expired", Unauthenticated, Code.SESSION_EXPIRED),
        ("frozen", Forbidden, Code.SESSION_FROZEN),
    ],
)
async def test_a_bearer_of_a_session_not_in_use_is_refused(
    scene: Scene, end: str, error: type[ValetkeyError], code: Code
) -> None:
    """A stopped session is told so; one that may open again is not told to log in."""
    opened = await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(None, proof=Proof.BEARER)
    )
    await _stop(scene, opened.session.id, end)
    with pytest.raises(error) as refused:
        await prove.authenticate(scene.world, Bearer(opened.token or ""), is_write=False)
    assert refused.value.code is code


@pytest.mark.parametrize(
    ("end", "code"), [("revoked", Code.SESSION_REVOKED), ("expired", Code.SESSION_EXPIRED)]
)
async def test_a_frozen_session_may_leave_and_one_that_is_over_may_not(
    scene: Scene, end: str, code: Code
) -> None:
    """Giving power back needs nobody's leave; what is over has nothing to give."""
    frozen, over = [await scene.open(await scene.wallet()) for _ in range(2)]
    await _stop(scene, frozen.id, "frozen")
    stamp = _stamp(scene, frozen)
    who = await prove.authenticate(scene.world, stamp, is_write=True, is_leaving=True)
    closed = await stop.close(scene.world, who, scene.request())
    assert closed.session.state == "closed"
    assert closed.activity.state == "done"
    await _stop(scene, over.id, end)
    with pytest.raises(Unauthenticated) as refused:
        await prove.authenticate(scene.world, _stamp(scene, over), is_write=True, is_leaving=True)
    assert refused.value.code is code


async def test_a_stamp_proves_a_session_and_carries_its_id(scene: Scene) -> None:
    """The nonce of a signed request is the unique id of what it asks for."""
    held = await scene.open(await scene.wallet())
    principal = await _enter(scene, _stamp(scene, held), is_write=True)
    assert principal._replace(request_id=None) == held.principal
    assert principal.request_id == "nonce-of-16-chars"


async def test_a_chain_key_signs_requests_as_well(scene: Scene) -> None:
    """The key of a chain session is on secp256k1 and proves its holder to us too."""
    held = await scene.open(await scene.wallet(), proof=Proof.CHAIN)
    stamp = make_stamp(
        held.id,
        held.secret,
        created=scene.clock.now(),
        curve=Curve.SECP256K1,
        algorithm="ecdsa-secp256k1-sha256",
    )
    assert (await _enter(scene, stamp)).subject_id == held.id


async def test_a_credential_signs_requests(scene: Scene) -> None:
    """A P-256 credential proves its organization, until it is revoked."""
    key = scene.new_key()
    credential, token = await credentials.add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=CredentialKind.P256,
        label="hsm",
        public_key=public_key(Curve.P256, key),
    )
    assert token is None
    stamp = make_stamp(credential.id, key, created=scene.clock.now())
    assert (await _enter(scene, stamp)).kind is PrincipalKind.SECRET
    await credentials.revoke_credential(
        scene.world, scene.principal, scene.request(), credential_id=credential.id
    )
    again = make_stamp(credential.id, key, created=scene.clock.now(), nonce="a-second-nonce-it-is")
    await _refuse(scene, again, Code.PROOF_REFUSED)


STALE = {"early": -CLOCK_BOUND_S - 1, "late": CLOCK_BOUND_S + 1}
REFUSED: dict[str, tuple[dict[str, Any], Code]] = {
    "no time": ({"created": None}, Code.PROOF_TOO_OLD),
    "no nonce": ({"nonce": None}, Code.PROOF_REFUSED),
    "a short nonce": ({"nonce": "x" * 15}, Code.PROOF_REFUSED),
    "a long nonce": ({"nonce": "x" * 129}, Code.PROOF_REFUSED),
    "no method": ({"components": COVERED - {"@method"}}, Code.PROOF_REFUSED),
    "no query": ({"components": COVERED - {"@query"}}, Code.PROOF_REFUSED),
    "a body that is not covered": ({"has_body": True}, Code.PROOF_REFUSED),
    "another algorithm": ({"algorithm": "ed25519"}, Code.PROOF_REFUSED),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_stamp_that_shows_too_little_is_refused(scene: Scene, case: str) -> None:
    """Method, target, body, time and a nonce are all signed, or the request is nobody's."""
    changed, code = REFUSED[case]
    held = await scene.open(await scene.wallet())
    await _refuse(scene, _stamp(scene, held, **changed), code)


@pytest.mark.parametrize("off_s", [-CLOCK_BOUND_S - 1, CLOCK_BOUND_S + 1])
async def test_a_clock_that_is_off_is_refused_at_the_second(scene: Scene, off_s: int) -> None:
    """A minute either way is accepted, a second more is not."""
    held = await scene.open(await scene.wallet())
    now = scene.clock.now()
    await _refuse(scene, _stamp(scene, held, created=now + off_s), Code.PROOF_TOO_OLD)
    nearer = off_s - 1 if off_s > 0 else off_s + 1
    await _enter(scene, _stamp(scene, held, created=now + nearer))


async def test_another_key_proves_nothing(scene: Scene) -> None:
    """A stranger's signature, one for another session, and an unknown name are refused alike."""
    held = await scene.open(await scene.wallet())
    now = scene.clock.now()
    for stamp in (
        make_stamp(held.id, scene.new_key(), created=now),
        make_stamp("ses_" + "0" * 24, held.secret, created=now),
        make_stamp("crd_" + "0" * 24, held.secret, created=now),
        replace(_stamp(scene, held), base=b"another request"),
        replace(_stamp(scene, held), signature=bytes(64)),
        replace(_stamp(scene, held), signature=b""),
    ):
        await _refuse(scene, stamp, Code.PROOF_REFUSED)


async def test_a_signed_read_is_seen_once(scene: Scene) -> None:
    """A copied request reads nothing a second time."""
    held = await scene.open(await scene.wallet())
    stamp = _stamp(scene, held)
    await _enter(scene, stamp)
    await _refuse(scene, stamp, Code.PROOF_REPLAYED)


async def test_a_signed_write_may_come_again_and_finds_itself(scene: Scene) -> None:
    """A write that is sent again is the same request; another under its nonce is a replay."""
    held = await scene.open(await scene.wallet())
    stamp = _stamp(scene, held)
    first = await _enter(scene, stamp, is_write=True)
    assert await _enter(scene, stamp, is_write=True) == first
    other = _stamp(scene, held, target="/v1/runs")
    await _refuse(scene, other, Code.PROOF_REPLAYED, is_write=True)


async def test_a_nonce_is_kept_for_as_long_as_its_request_is_valid(scene: Scene) -> None:
    """A request from a clock that is ahead is refused the second time until it is too old."""
    held = await scene.open(await scene.wallet())
    stamp = _stamp(scene, held, created=scene.clock.now() + CLOCK_BOUND_S)
    await _enter(scene, stamp)
    scene.clock.advance(2 * CLOCK_BOUND_S)
    await reconcile.reconcile(scene.world)
    await _refuse(scene, stamp, Code.PROOF_REPLAYED)
    scene.clock.advance(1)
    await reconcile.reconcile(scene.world)
    await _refuse(scene, stamp, Code.PROOF_TOO_OLD)
    scene.clock.advance(EVERY_S)
    await reconcile.reconcile(scene.world)
    assert not await scene.world.store.read(lambda view: view.find(SeenNonce))


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("revoked", Code.SESSION_REVOKED),
        ("expired", Code.SESSION_EXPIRED),
        ("frozen", Code.SESSION_FROZEN),
    ],
)
async def test_a_stamp_of_a_session_not_in_use_is_refused(
    scene: Scene, end: str, code: Code
) -> None:
    """A key outlives its session, and is worth nothing then."""
    held = await scene.open(await scene.wallet())
    await _stop(scene, held.id, end)
    with pytest.raises(ValetkeyError) as refused:
        await _enter(scene, _stamp(scene, held))
    assert refused.value.code is code


async def test_a_stolen_store_holds_no_token(scene: Scene) -> None:
    """What is stored of a token does not prove anything."""
    opened = await open_session.open_session(
        scene.world, scene.principal, scene.request(), scene.command(None, proof=Proof.BEARER)
    )
    stored = await scene.world.store.read(lambda view: view.get(Session, opened.session.id))
    assert stored is not None
    for text in (stored.fingerprint or "", f"vk_session_{stored.fingerprint}"):
        with pytest.raises(Unauthenticated):
            await prove.authenticate(scene.world, Bearer(text), is_write=False)


def _stamp(scene: Scene, held: Held, **changed: Any) -> Stamp:  # noqa: ANN401 - parts of a stamp
    return make_stamp(held.id, held.secret, **{"created": scene.clock.now(), **changed})


async def _enter(scene: Scene, stamp: Stamp, *, is_write: bool = False) -> Principal:
    return await prove.authenticate(scene.world, stamp, is_write=is_write)


async def _refuse(scene: Scene, stamp: Stamp, code: Code, *, is_write: bool = False) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await _enter(scene, stamp, is_write=is_write)
    assert refused.value.code is code


async def _stop(scene: Scene, session_id: str, end: str) -> None:
    if end == "expired":
        scene.clock.advance(HOUR_S)
        return
    act = stop.revoke if end == "revoked" else freeze.freeze
    await act(scene.world, scene.principal, scene.request(), session_id=session_id)
