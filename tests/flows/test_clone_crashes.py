"""Accounts that are made while processes end; and signatures, as their contracts take them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.scene import ALICE, USDC, make_scene
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.chain import Fees, GrantStage, Transaction
from valetkey.core.errors import ChainRejected, Code
from valetkey.core.plan import owner_signature_of
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.flows import accounts, reconcile
from valetkey.flows.grant import granted
from valetkey.flows.standing import grant_state_of
from valetkey.spec.eip712 import digest
from valetkey.spec.permission_bytes import (
    personal_digest,
    revoke_signed_calldata,
    revoke_typed_data,
)
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from tests.flows.scene import Scene

POINTS = (
    "relay:before_plan",
    "relay:after_plan",
    "relay:before_sign",
    "relay:after_sign",
    "relay:before_send",
    "relay:after_send",
    "relay:before_settle",
    "relay:after_settle",
)


@pytest.mark.parametrize("count", [1, 2], ids=["of the account", "of the run"])
@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_while_the_account_is_made_loses_nothing(point: str, count: int) -> None:
    """A run that binds the relayer waits for its account: both are brought to their end, once."""
    scene = await make_scene()
    holding = await scene.wallet(clone=accounts.AsClone())
    held = await scene.open(holding)
    whole = scene.world
    scene.world = replace(whole, checkpoint=CrashAt(point, count))
    with pytest.raises(Crash):
        await scene.run(held, scene.transfer(USDC))
    scene.world = whole
    for _ in range(4):
        await reconcile.reconcile(scene.world)
    found = await scene.world.store.read(lambda view: view.find(Activity, session_id=held.id))
    ended = {one.kind: one.state for one in found if one.kind in {"run", "account:deploy"}}
    assert ended == {"run": ActivityState.DONE, "account:deploy": ActivityState.DONE}
    assert len([one for one in found if one.kind == "account:deploy"]) == 1
    assert await scene.balance(ALICE) == USDC
    state = await grant_state_of(scene.chain, holding.account, granted(held.session))
    assert (state.stage, state.calls) == (GrantStage.OPEN, 1)


@pytest.mark.parametrize("personal", [False, True], ids=["plain", "personal"])
async def test_what_is_kept_of_the_owner_is_what_the_contract_takes(
    scene: Scene, *, personal: bool
) -> None:
    """For each form and each v, by the owner and by another: one answer here and on chain."""
    clone = accounts.AsClone(personal=personal)
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=clone)
    assert holding.secret is not None
    held = await scene.open(holding, proof=Proof.CHAIN)
    await scene.run(held, scene.transfer(USDC))
    account, grant_id = holding.account, b"\x67" * 32
    typed = revoke_typed_data(grant_id, chain_id=scene.chain.chain_id, account=account.address)
    word = digest(typed)
    taken = 0
    for key in (holding.secret, scene.new_key()):
        for over in (word, personal_digest(word), b"\x68" * 32):
            bare = sign_digest(over, key)
            for v in (*range(25, 35), 0, 1, 4, 5, 255):
                signature = bare[:-1] + bytes([v])
                kept = owner_signature_of(account, word, signature)
                on_chain = await takes(scene, account.address, grant_id, signature)
                assert (kept == signature) == on_chain, (key == holding.secret, over == word, v)
                if kept is not None:
                    taken += 1
                    assert await takes(scene, account.address, grant_id, kept)
    assert taken == (1 + 2 * personal)


async def takes(scene: Scene, account: bytes, grant_id: bytes, signature: bytes) -> bool:
    """Say whether the account takes the revocation."""
    data = revoke_signed_calldata(grant_id, signature)
    wanted = Transaction(scene.world.stopper_address, 0, account, 0, data, 0, Fees(0, 0))
    try:
        await scene.chain.simulate(wanted)
    except ChainRejected as rejected:
        if rejected.code is Code.SIGNATURE_REFUSED:
            return False
        raise
    return True
