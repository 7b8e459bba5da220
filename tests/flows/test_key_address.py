"""Sessions whose key is known by its address alone: the chain knows their holder, we do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.keys import make_stamp
from valetkey.core.errors import Code, Conflict, Unauthenticated
from valetkey.core.session import Proof
from valetkey.core.wallet import Curve, OwnerKey
from valetkey.flows import open_session, prove
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.command import OpenSession
    from valetkey.flows.open_session import Opened


async def _open(scene: Scene, command: OpenSession) -> Opened:
    return await open_session.open_session(scene.world, scene.principal, scene.request(), command)


async def test_a_key_is_the_same_by_its_address(scene: Scene) -> None:
    """Whether it was told in full or by its address: it holds sessions of one account."""
    one, two = await scene.wallet(OwnerKey.OUTSIDE), await scene.wallet(OwnerKey.OUTSIDE)
    for first, second in ((True, False), (False, True), (True, True)):
        key = scene.new_key()
        address = address_of_key(key)
        in_full, by_address = {"secret": key}, {"key": None, "key_address": address}
        asked = [by_address if bare else in_full for bare in (first, second)]
        await _open(scene, scene.command(one, proof=Proof.CHAIN, **asked[0]))
        await _open(scene, scene.command(one, proof=Proof.CHAIN, **asked[1]))
        again = scene.command(two, proof=Proof.CHAIN, **asked[1])
        with pytest.raises(Conflict) as refused:
            await _open(scene, again)
        assert refused.value.code is Code.SESSION_KEY_IN_USE
        shared = await _open(scene, replace(again, shares_key=True))
        assert shared.session.grant is not None
        assert shared.session.grant.session_key == shared.session.grant.key_address == address


async def test_a_bare_address_proves_nothing_here(scene: Scene) -> None:
    """The holder of a key known by its address alone has no token and signs no request."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    key = scene.new_key()
    command = scene.command(holding, proof=Proof.CHAIN, key=None, key_address=address_of_key(key))
    opened = await _open(scene, command)
    session = opened.session
    assert (opened.token, session.key, session.fingerprint) == (None, None, None)
    for curve in (Curve.SECP256K1, Curve.P256):
        stamp = make_stamp(session.id, key, created=scene.clock.now(), curve=curve)
        with pytest.raises(Unauthenticated) as refused:
            await prove.authenticate(scene.world, stamp, is_write=False)
        assert refused.value.code is Code.PROOF_REFUSED
