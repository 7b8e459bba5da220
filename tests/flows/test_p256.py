"""Sessions whose own key is on P-256: what is refused before anybody signs, and who signs what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.holders import as_holder
from tests.flows.keys import make_stamp, public_key, sign
from tests.flows.scene import ALICE, USDC, Held
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.errors import (
    ChainRejected,
    Code,
    Conflict,
    Malformed,
    Unauthenticated,
    Unavailable,
)
from valetkey.core.session import Proof, State
from valetkey.core.wallet import Curve, OwnerKey, PublicKey, grant_key_of
from valetkey.flows import freeze, grant, open_session, prove, run, stop, tried
from valetkey.spec import secp256k1
from valetkey.spec.eip7951 import PRECOMPILE, VALID
from valetkey.spec.permission_bytes import decode_grant

if TYPE_CHECKING:
    from tests.flows.people import Holding
    from tests.flows.scene import Scene
    from valetkey.core.activity import Activity
    from valetkey.core.command import OpenSession
    from valetkey.core.session import Session

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def believing(scene: Scene) -> Scene:
    """
    Return a scene whose node says that its chain checks P-256, which it does not.

    So the flows can be followed up to the chain; behind it, see `tests/client/test_p256.py`.
    """
    scene.line.called[PRECOMPILE] = VALID
    return scene


def asked(scene: Scene, holding: Holding, secret: bytes, **changed: object) -> OpenSession:
    """Return what asks for a session whose chain key is on P-256."""
    command = scene.command(holding, proof=Proof.CHAIN, key=public_key(Curve.P256, secret))
    return replace(command, **changed)  # type: ignore[arg-type]


async def opened(scene: Scene, command: OpenSession) -> Session:
    """Return the session that *command* opens."""
    made = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    return made.session


async def held(scene: Scene) -> Held:
    """Return an open session on P-256, its owner outside."""
    holding, secret = await scene.wallet(OwnerKey.OUTSIDE), scene.new_key()
    session = await opened(scene, asked(scene, holding, secret))
    session = await scene.sign_grant(session, holding.secret or b"")
    who = as_holder(session)
    return Held(session, who, secret, holding)


async def test_a_chain_that_checks_no_p256_takes_no_such_key(scene: Scene) -> None:
    """Refused before the owner has signed anything; nothing is written down."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    command = asked(scene, holding, scene.new_key())
    before = await dump(scene.world)
    with pytest.raises(ChainRejected, match="checks no P-256 signatures") as refused:
        await opened(scene, command)
    assert refused.value.code is Code.KEY_TYPE_REFUSED
    assert await dump(scene.world) == before


async def test_a_chain_that_does_not_answer_opens_nothing(scene: Scene) -> None:
    """A guess would be a grant that the owner signs for nothing."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    before = await dump(scene.world)
    scene.line.lost.add("eth_call")
    with pytest.raises(Unavailable):
        await opened(scene, asked(scene, holding, scene.new_key()))
    assert await dump(scene.world) == before


async def test_a_stamp_on_p256_needs_no_such_chain(scene: Scene) -> None:
    """The chain sees another key, which is the server's."""
    session = await opened(scene, scene.command(await scene.wallet()))
    assert session.state is State.OPEN
    assert session.grant is not None
    assert session.grant.key_address is not None


async def test_the_grant_names_the_key_that_signs_the_requests(believing: Scene) -> None:
    """One key proves the holder to us and to the account's contract."""
    holder = await held(believing)
    grant = holder.session.grant
    assert holder.session.state is State.OPEN
    assert grant is not None
    assert grant.session_key == decode_grant(grant.packed).key
    assert grant.session_key == grant_key_of(public_key(Curve.P256, holder.secret))
    assert (grant.key_address, grant.key_id) == (None, None)
    stamp = make_stamp(holder.id, holder.secret, created=believing.clock.now())
    principal = await prove.authenticate(believing.world, stamp, is_write=True)
    assert principal.key == public_key(Curve.P256, holder.secret)
    assert principal._replace(request_id=None) == holder.principal


async def test_the_owner_reads_both_coordinates(believing: Scene) -> None:
    """What is signed names the key that the holder has."""
    holder = await held(believing)
    typed = await grant.consent_of(believing.world, believing.principal, session_id=holder.id)
    message = typed["grant"]["message"]
    assert isinstance(message, dict)
    key = grant_key_of(public_key(Curve.P256, holder.secret))
    assert message["key"] == f"0x{key.hex()}"


async def planned(scene: Scene, holder: Held) -> tuple[Activity, bytes]:
    """Return a run of one transfer, and the digest that is to be signed for it."""
    activity = await scene.ask(holder, scene.transfer(USDC))
    assert activity.state is ActivityState.AWAITING
    assert activity.run is not None
    return activity, activity.run.digest


async def test_a_run_takes_only_the_signature_of_its_key(believing: Scene) -> None:
    """Of another key, curve, message or length is refused, and the run still waits."""
    holder = await held(believing)
    activity, digest = await planned(believing, holder)
    good = sign(Curve.P256, holder.secret, digest)
    stamp = make_stamp(holder.id, holder.secret, created=believing.clock.now())
    wrong = {
        "of another key": sign(Curve.P256, believing.new_key(), digest),
        "over another digest": sign(Curve.P256, holder.secret, bytes(32)),
        "of a request": stamp.signature,
        "of the same number on secp256k1": sign(Curve.SECP256K1, holder.secret, digest),
        "as secp256k1 keys sign": secp256k1.sign_digest(digest, holder.secret),
        "of zeros": bytes(64),
        "one byte short": good[:-1],
        "with a v": good + b"\0",
    }
    for what, signature in wrong.items():
        with pytest.raises(Malformed) as refused:
            await run.sign(
                believing.world,
                holder.principal,
                activity_id=activity.id,
                signature=signature,
            )
        assert refused.value.code is Code.MALFORMED_SIGNATURE, what
    again = await believing.ask(holder, believing.transfer(USDC))
    assert again.state is ActivityState.AWAITING


@pytest.mark.parametrize("is_high", [False, True])
async def test_either_s_of_a_signature_is_taken(believing: Scene, *, is_high: bool) -> None:
    """WebCrypto makes both, and the precompile takes both; the nonce keeps a run from being two."""
    holder = await held(believing)
    activity, digest = await planned(believing, holder)
    signature = sign(Curve.P256, holder.secret, digest)
    s = int.from_bytes(signature[32:])
    s = max(s, ORDER - s) if is_high else min(s, ORDER - s)
    done = await run.sign(
        believing.world,
        holder.principal,
        activity_id=activity.id,
        signature=signature[:32] + s.to_bytes(32),
    )
    assert done.state is not ActivityState.AWAITING


async def test_a_node_that_lies_about_p256_gives_nobody_anything(believing: Scene) -> None:
    """The account's contract asks for itself before it opens the grant: nothing moves."""
    holder = await held(believing)
    activity, digest = await planned(believing, holder)
    failed = await run.sign(
        believing.world,
        holder.principal,
        activity_id=activity.id,
        signature=sign(Curve.P256, holder.secret, digest),
    )
    assert failed.state is ActivityState.FAILED
    assert failed.outcome is not None
    assert failed.outcome.code == Code.KEY_TYPE_REFUSED
    assert await believing.balance(ALICE) == 0


async def test_a_signed_run_is_no_request(believing: Scene) -> None:
    """A server that was given the one cannot use it for the other."""
    holder = await held(believing)
    _, digest = await planned(believing, holder)
    signature = sign(Curve.P256, holder.secret, digest)
    stamp = make_stamp(holder.id, holder.secret, created=believing.clock.now())
    with pytest.raises(Unauthenticated) as refused:
        await prove.authenticate(
            believing.world, replace(stamp, signature=signature), is_write=True
        )
    assert refused.value.code is Code.PROOF_REFUSED


async def test_stops_are_tried_without_an_address(believing: Scene) -> None:
    """A P-256 key sends nothing itself, so the chain is asked for what anybody may send."""
    holder = await held(believing)
    world, who = believing.world, believing.principal
    said = await tried.tried(world, session_id=holder.id)
    assert [one.refused for one in said] == [False, False]
    await freeze.freeze(world, who, believing.request(), session_id=holder.id)
    await stop.revoke(world, who, believing.request(), session_id=holder.id)
    said = await tried.tried(world, session_id=holder.id)
    assert [one.code for one in said] == [Code.SESSION_REVOKED] * 2


async def test_a_p256_key_holds_sessions_of_one_account(believing: Scene) -> None:
    """As chain key or as stamp, unless a second account is asked for by name."""
    one, two = await believing.wallet(), await believing.wallet()
    secret = believing.new_key()
    first = await opened(believing, asked(believing, one, secret))
    stamp = await opened(believing, believing.command(one, secret=secret))
    assert stamp.key == first.key
    for command in (
        asked(believing, two, secret),
        believing.command(two, secret=secret),
    ):
        with pytest.raises(Conflict) as refused:
            await opened(believing, command)
        assert refused.value.code is Code.SESSION_KEY_IN_USE
    shared = await opened(believing, asked(believing, two, secret, shares_key=True))
    assert shared.key == first.key


async def test_the_same_bytes_on_another_curve_are_another_key(believing: Scene) -> None:
    """Who has the one cannot sign for the other, so neither keeps the other from its holder."""
    one, two = await believing.wallet(), await believing.wallet()
    # Twice the generator of secp256k1: P-256 has a point with that x, too.
    data = bytes.fromhex("02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5")
    secret = believing.new_key()
    keys = [PublicKey(curve, data) for curve in (Curve.P256, Curve.SECP256K1)]
    first = await opened(believing, asked(believing, one, secret, key=keys[0]))
    second = await opened(believing, asked(believing, two, secret, key=keys[1]))
    assert first.key_index == second.key_index
    assert first.key != second.key
