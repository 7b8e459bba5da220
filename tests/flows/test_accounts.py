"""Wallets, their accounts, and the delegation of an account to our code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.people import WHOLE
from tests.flows.scene import ALICE
from tests.worlds import CHAIN, dump
from valetkey.core.activity import ActivityState
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import fund
from valetkey.devchain.keys import DevKey
from valetkey.devchain.transact import transact
from valetkey.flows import accounts, delegation, reads, reconcile
from valetkey.flows.undelegate import undelegate
from valetkey.spec import secp256k1

if TYPE_CHECKING:
    from tests.flows.scene import Holding, Scene
    from valetkey.core.activity import Activity, Request


@pytest.mark.parametrize("owner_key", WHOLE)
async def test_a_delegated_account_runs_our_code(scene: Scene, owner_key: OwnerKey) -> None:
    """Whoever has the owner's key, the account ends up with the deployed implementation."""
    holding = await scene.wallet(owner_key)
    code = await scene.chain.delegate_of(holding.account.address)
    assert code == scene.deployment.implementation
    assert holding.wallet.owner_key is owner_key
    assert (holding.wallet.key_id is None) == (owner_key is OwnerKey.OUTSIDE)


@pytest.mark.parametrize("owner_key", WHOLE)
async def test_a_wallet_says_where_its_owners_key_is(scene: Scene, owner_key: OwnerKey) -> None:
    """An outside key comes with an address; a sealed one is made here and has none yet."""
    address = None if owner_key is OwnerKey.OUTSIDE else ALICE
    command = accounts.AddWallet(CHAIN, owner_key, address, None, "")
    with pytest.raises(Malformed):
        await accounts.add_wallet(scene.world, scene.principal, scene.request(), command)


async def test_an_unknown_chain_is_refused(scene: Scene) -> None:
    """No account is kept on a chain that this server does not speak to."""
    command = accounts.AddWallet("eip155:1", OwnerKey.OUTSIDE, ALICE, None, "")
    with pytest.raises(Malformed) as refused:
        await accounts.add_wallet(scene.world, scene.principal, scene.request(), command)
    assert refused.value.code is Code.WRONG_CHAIN


async def test_an_account_is_in_an_organization_once(scene: Scene) -> None:
    """Two wallets of one organization never share an account: their budgets would not add up."""
    command = accounts.AddWallet(CHAIN, OwnerKey.OUTSIDE, ALICE, None, "")
    await accounts.add_wallet(scene.world, scene.principal, scene.request(), command)
    with pytest.raises(Conflict):
        await accounts.add_wallet(scene.world, scene.principal, scene.request(), command)


async def test_the_same_request_makes_one_wallet(scene: Scene) -> None:
    """A repeated request returns the wallet that it made, and makes no second key."""
    request = scene.request()
    command = accounts.AddWallet(CHAIN, OwnerKey.SEALED, None, None, "")
    first = await accounts.add_wallet(scene.world, scene.principal, request, command)
    after = await dump(scene.world)
    assert await accounts.add_wallet(scene.world, scene.principal, request, command) == first
    assert await dump(scene.world) == after


async def test_only_the_owner_delegates(scene: Scene) -> None:
    """A stranger's signature, one over another nonce, and none at all are refused."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, is_delegated=False)
    owner = holding.secret or b""
    wanted = await _wanted(scene, holding)
    before = await dump(scene.world)
    fund(scene.rpc, scene.deployment, holding.account.address, 10**18)
    transact(scene.rpc, DevKey(owner, holding.account.address), ALICE, value_wei=1)
    for signature in (
        None,
        b"",
        bytes(65),
        secp256k1.sign_digest(wanted.digest, scene.new_key()),
        secp256k1.sign_digest(wanted.digest, owner),  # its nonce is used by now
    ):
        with pytest.raises(Malformed) as refused:
            await _delegate(scene, holding, signature)
        assert refused.value.code is Code.MALFORMED_SIGNATURE
    assert await dump(scene.world) == before
    renewed = await _wanted(scene, holding)
    assert renewed.nonce == wanted.nonce + 1
    done = await _delegate(scene, holding, secp256k1.sign_digest(renewed.digest, owner))
    assert done.state is ActivityState.DONE


async def test_a_skipped_authorization_is_noticed(scene: Scene) -> None:
    """A transaction whose authorization the chain skipped was mined, and is no success."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, is_delegated=False)
    owner = DevKey(holding.secret or b"", holding.account.address)
    wanted = await _wanted(scene, holding)
    scene.line.refused["eth_sendRawTransaction"] = "try later"
    scene.with_bounds(wait_s=0)
    signature = secp256k1.sign_digest(wanted.digest, owner.secret)
    waiting = await _delegate(scene, holding, signature)
    assert waiting.state is ActivityState.SENDING
    transact(scene.rpc, owner, ALICE, value_wei=1)  # the owner was quicker
    scene.line.refused.clear()
    await reconcile.reconcile(scene.world)
    ended = await reads.activity(scene.world, scene.principal, activity_id=waiting.id)
    assert ended.state is ActivityState.FAILED
    assert ended.outcome is not None
    assert ended.outcome.code == Code.NOT_DELEGATED
    assert ended.outcome.fee_wei > 0


@pytest.mark.parametrize(
    "point",
    [
        "delegate:before_plan",
        "delegate:after_plan",
        "delegate:before_sign",
        "delegate:after_sign",
        "relay:after_plan",
        "relay:after_send",
    ],
)
async def test_a_delegation_that_was_cut_off_happens_once_or_never(
    scene: Scene, point: str
) -> None:
    """It is written down before the owner's key signs, so a signature is never lost track of."""
    holding = await scene.wallet(is_delegated=False)
    request = scene.request()
    before = await dump(scene.world)
    broken = replace(scene, world=replace(scene.world, checkpoint=CrashAt(point)))
    with pytest.raises(Crash):
        await _delegate(broken, holding, None, request=request)
    is_written = point != "delegate:before_plan"
    assert (await dump(scene.world) == before) != is_written
    assert (await reconcile.reconcile(scene.world)).activities == is_written
    code = await scene.chain.delegate_of(holding.account.address)
    assert (code == scene.deployment.implementation) == is_written
    done = await _delegate(scene, holding, None, request=request)
    assert done.state is ActivityState.DONE
    assert await scene.chain.transaction_count(holding.account.address) == 1


async def test_a_delegation_that_was_cut_off_does_not_undo_a_later_undelegation(
    scene: Scene,
) -> None:
    """The attack: a delegation that a crash left behind is signed while the account leaves."""
    holding = await scene.wallet()
    request = scene.request()
    point = CrashAt("delegate:after_plan")
    broken = replace(scene, world=replace(scene.world, checkpoint=point))
    with pytest.raises(Crash):
        await _delegate(broken, holding, None, request=request)
    leaving = replace(scene.world, checkpoint=CrashAt("undelegate:after_plan"))
    with pytest.raises(Crash):
        await undelegate(
            leaving,
            scene.principal,
            scene.request(),
            account_id=holding.account.id,
            signature=None,
        )
    for _ in range(3):
        await reconcile.reconcile(scene.world)
    assert await scene.chain.delegate_of(holding.account.address) is None
    lapsed = await _delegate(scene, holding, None, request=request)
    assert lapsed.state is ActivityState.LAPSED


async def _wanted(scene: Scene, holding: Holding) -> delegation.DelegationRequest:
    return await delegation.delegation_request(
        scene.world, scene.principal, account_id=holding.account.id
    )


async def _delegate(
    scene: Scene, holding: Holding, signature: bytes | None, *, request: Request | None = None
) -> Activity:
    return await delegation.delegate(
        scene.world,
        scene.principal,
        request or scene.request(),
        account_id=holding.account.id,
        signature=signature,
    )
